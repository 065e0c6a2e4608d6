package probes

import (
	"bytes"
	"net/http"
	"slices"
	"strings"

	"lookout/engine/uptime"
)

// A bot wall is an edge that answers instead of the site: with a puzzle for
// browsers, or with a refusal for what it takes for a robot. Whatever it says,
// the site was not seen: neither UP nor DOWN would be true. That a site stands
// behind such an edge is no sign of it: only what an edge says of its own
// doing counts, and texts that its pages have and the site's have not.

// maxStub is the size, in bytes, below which a page holds a puzzle and nothing else.
const maxStub = 4 << 10

// sampleSize is how much of a body is searched for the marks of a wall.
const sampleSize = 64 << 10

// wall is one product, and what it is known by.
type wall struct {
	name string

	// By a header, whatever the status.
	header string
	values []string // in lower case, one of which the header has; nil: any
	cookie string   // that it sets

	// By the body, in lower case.
	edge     string // header that says that its edge answered; "": any
	edgeHas  string // part of its value, in lower case
	statuses []int  // nil: any
	marks    []string
	stub     bool // the marks are in the site's own pages too: in a short page only
}

// refusals are the statuses with which walls turn clients away.
var refusals = []int{http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusTooManyRequests, http.StatusServiceUnavailable}

var walls = []wall{
	// developers.cloudflare.com, Detect a Challenge Page response; block pages by their numbers, of which
	// those of a broken origin (52x, 1000, 1016 …) are the site's own trouble.
	{name: "Cloudflare", header: "Cf-Mitigated", values: []string{"challenge"}},
	{name: "Cloudflare", edge: "Server", edgeHas: "cloudflare", statuses: refusals, marks: []string{
		"error code: 1005", "error code: 1006", "error code: 1007", "error code: 1008", "error code: 1009", "error code: 1010",
		"error code: 1012", "error code: 1015", "error code: 1020", "<title>attention required! | cloudflare</title>",
		"<title>just a moment...</title>", "_cf_chl_opt"}},
	// docs.aws.amazon.com, CAPTCHA and Challenge action behavior: 202 and 405, for Accept: */* without a body.
	{name: "AWS WAF", header: "X-Amzn-Waf-Action", values: []string{"challenge", "captcha"}},
	// TecharoHQ/anubis: both pages have status 200 (issue 473); the prefix of the cookie can be changed.
	{name: "Anubis", cookie: "techaro.lol-anubis-cookie-verification"},
	{name: "Anubis", edge: "Set-Cookie", edgeHas: "anubis", marks: []string{`id="anubis_challenge"`, "/.within.website/x/cmd/anubis/"}},
	{name: "Anubis", statuses: refusals, marks: []string{`id="anubis_challenge"`, "/.within.website/x/cmd/anubis/"}},
	{name: "Vercel", header: "X-Vercel-Mitigated", values: []string{"challenge", "deny"}},
	{name: "Sucuri", header: "X-Sucuri-Block"},
	{name: "Sucuri", edge: "X-Sucuri-Id", marks: []string{"sucuri_cloudproxy_js", "access denied - sucuri website firewall"}},
	{name: "DDoS-Guard", edge: "Server", edgeHas: "ddos-guard", statuses: refusals, marks: []string{"/.well-known/ddos-guard/", "<title>ddos-guard</title>"}},
	{name: "Imperva", edge: "X-Iinfo", marks: []string{"incapsula incident id"}},
	{name: "Imperva", edge: "X-Iinfo", marks: []string{"/_incapsula_resource"}, stub: true},
	{name: "Akamai", edge: "Server", edgeHas: "akamaighost", statuses: []int{http.StatusForbidden}, marks: []string{"<title>access denied</title>"}},
	{name: "Akamai", edge: "Server", edgeHas: "akamaighost", marks: []string{"sec-if-cpt-container", "/_sec/cp_challenge/"}},
	{name: "DataDome", edge: "X-Datadome", marks: []string{"captcha-delivery.com"}},
	{name: "HUMAN", statuses: refusals, marks: []string{"px-captcha", "_pxappid"}},
	{name: "a captcha", statuses: refusals, marks: []string{"challenges.cloudflare.com/turnstile/", "hcaptcha.com/1/api.js", "hcaptcha.com/captcha/", "google.com/recaptcha/"}},
}

// wallByHeader names the wall that a header alone tells of; "" for none.
func wallByHeader(h http.Header) string {
	for _, w := range walls {
		if w.header != "" && hasValue(h, w.header, w.values) || w.cookie != "" && setsCookie(h, w.cookie) {
			return w.name
		}
	}
	return ""
}

// maybeWall reports whether the body may tell of a wall: an edge that answers
// with an ordinary status for its own pages, or a status that walls have.
func maybeWall(resp *http.Response) bool {
	return slices.ContainsFunc(walls, func(w wall) bool { return w.marks != nil && w.mayBe(resp.StatusCode, resp.Header) })
}

// wallByBody names the wall that the start of a body tells of; "" for none.
func wallByBody(status int, h http.Header, b body) string {
	text := bytes.ToLower(b.data[:min(len(b.data), sampleSize)])
	for _, w := range walls {
		if !w.mayBe(status, h) || w.stub && (b.more || len(b.data) > maxStub) {
			continue
		}
		for _, mark := range w.marks {
			if bytes.Contains(text, []byte(mark)) {
				return w.name
			}
		}
	}
	return ""
}

func (w wall) mayBe(status int, h http.Header) bool {
	if w.statuses != nil && !slices.Contains(w.statuses, status) {
		return false
	}
	return w.edge == "" || slices.ContainsFunc(h.Values(w.edge), func(v string) bool { return strings.Contains(strings.ToLower(v), w.edgeHas) })
}

func hasValue(h http.Header, name string, values []string) bool {
	return slices.ContainsFunc(h.Values(name), func(v string) bool {
		return values == nil || slices.Contains(values, strings.ToLower(strings.TrimSpace(v)))
	})
}

func setsCookie(h http.Header, prefix string) bool {
	return slices.ContainsFunc(h.Values("Set-Cookie"), func(v string) bool { return strings.HasPrefix(v, prefix) })
}

// challenged is what a check found that met a wall.
func challenged(t *trace, name string) *failure {
	return fail(uptime.FaultHTTPChallenged, "the edge at %s (%s) answered with a challenge, the site was not seen: let our user agent through or watch the origin", t.res.Address, name)
}
