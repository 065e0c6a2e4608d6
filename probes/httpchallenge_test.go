package probes

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

// answers makes a handler with this status, body and headers, name and value in turn.
func answers(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		for i := 0; i < len(headers); i += 2 {
			w.Header().Add(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

const (
	anubisPage   = `<!doctype html><title>Making sure you&#39;re not a bot!</title><script id="anubis_challenge" type="application/json">{}</script>`
	anubisDenial = `<!doctype html><title>Oh noes!</title><img src="/.within.website/x/cmd/anubis/static/img/reject.webp">`
	imperva      = `<html><head><script src="/_Incapsula_Resource?SWJIYLWA=1"></script></head><body></body></html>`
	justAMoment  = `<!DOCTYPE html><html><head><title>Just a moment...</title></head><body></body></html>`
)

// TestChallenged meets bot walls, and sites that only stand behind one.
func TestChallenged(t *testing.T) {
	padding := strings.Repeat("<p>words</p>", 1000)
	tests := []struct {
		name   string
		expect keys
		h      http.HandlerFunc
		fault  uptime.Fault
		says   string
	}{
		{"Cloudflare", nil, answers(403, justAMoment, "Cf-Mitigated", "challenge", "Server", "cloudflare"), uptime.FaultHTTPChallenged, "(Cloudflare)"},
		{"Cloudflare with 429", has("cart"), answers(429, justAMoment, "Cf-Mitigated", "challenge"), uptime.FaultHTTPChallenged, ""},
		{"Cloudflare's refusal", nil, answers(403, "error code: 1020", "Server", "cloudflare"), uptime.FaultHTTPChallenged, "(Cloudflare)"},
		{"AWS WAF, without a body", nil, answers(202, "", "X-Amzn-Waf-Action", "challenge"), uptime.FaultHTTPChallenged, "(AWS WAF)"},
		{"AWS WAF's captcha", nil, answers(405, "", "x-amzn-waf-action", "captcha"), uptime.FaultHTTPChallenged, "(AWS WAF)"},
		{"Anubis with 200", nil, answers(200, anubisPage, "Set-Cookie", "techaro.lol-anubis-cookie-verification=1; Path=/"), uptime.FaultHTTPChallenged, "(Anubis)"},
		{"Anubis's refusal with 200", nil, answers(200, anubisDenial, "Set-Cookie", "techaro.lol-anubis-auth=; Max-Age=0"), uptime.FaultHTTPChallenged, "(Anubis)"},
		{"Anubis in place of a body", has("cart"), answers(200, anubisPage, "Set-Cookie", "my-anubis-auth=; Max-Age=0"), uptime.FaultHTTPChallenged, "(Anubis)"},
		{"Anubis with a status of its own", nil, answers(403, anubisDenial), uptime.FaultHTTPChallenged, "(Anubis)"},
		{"Imperva", nil, answers(200, imperva, "X-Iinfo", "1-2"), uptime.FaultHTTPChallenged, "(Imperva)"},
		{"Imperva's refusal", nil, answers(403, "Request unsuccessful. Incapsula incident ID: 1-2", "X-Iinfo", "1-2"), uptime.FaultHTTPChallenged, "(Imperva)"},
		{"Akamai's refusal", nil, answers(403, "<HTML><HEAD>\n<TITLE>Access Denied</TITLE>", "Server", "AkamaiGHost"), uptime.FaultHTTPChallenged, "(Akamai)"},
		{"DDoS-Guard", nil, answers(403, "<title>DDoS-Guard</title>", "Server", "ddos-guard"), uptime.FaultHTTPChallenged, "(DDoS-Guard)"},
		{"DataDome", nil, answers(403, `<script>var dd={'host':'geo.captcha-delivery.com'}</script>`, "X-DataDome", "protected"), uptime.FaultHTTPChallenged, "(DataDome)"},
		{"Vercel", nil, answers(429, "", "X-Vercel-Mitigated", "challenge"), uptime.FaultHTTPChallenged, "(Vercel)"},
		{"a captcha", nil, answers(403, `<script src="https://hcaptcha.com/1/api.js"></script>`), uptime.FaultHTTPChallenged, "(a captcha)"},
		{"packed", nil, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(403)
			w.Write(zipped(anubisDenial))
		}, uptime.FaultHTTPChallenged, "(Anubis)"},

		{"a wall that is wanted", keys{"status": []string{"403"}}, answers(403, justAMoment, "Cf-Mitigated", "challenge"), 0, ""},
		{"an ordinary site at Cloudflare", has("cart"), answers(200, `cart <script src="/cdn-cgi/challenge-platform/scripts/jsd/main.js"></script>`, "Server", "cloudflare", "Cf-Ray", "1"), 0, ""},
		{"its origin is down", nil, answers(522, "error code: 522", "Server", "cloudflare"), uptime.FaultHTTPStatus, "522"},
		{"its origin's name is gone", nil, answers(530, "error code: 1016", "Server", "cloudflare"), uptime.FaultHTTPStatus, "530"},
		{"its origin refuses", nil, answers(403, "go away", "Server", "cloudflare"), uptime.FaultHTTPStatus, "403"},
		{"its origin is broken", nil, answers(503, "maintenance", "Server", "cloudflare"), uptime.FaultHTTPStatus, "503"},
		{"a login with a captcha", has("Log in"), answers(200, `Log in <script src="https://challenges.cloudflare.com/turnstile/v0/api.js"></script>`), 0, ""},
		{"a word is missing in a page with a captcha", has("cart"), answers(200, `Log in <script src="https://hcaptcha.com/1/api.js"></script>`), uptime.FaultHTTPKeywordMissing, ""},
		{"a page about Anubis", has("cart"), answers(200, anubisPage), uptime.FaultHTTPKeywordMissing, ""},
		{"a site that passed Anubis", nil, answers(200, "hello", "Set-Cookie", "techaro.lol-anubis-auth=jwt"), 0, ""},
		{"a site at Imperva", has("words"), answers(200, padding+imperva, "X-Iinfo", "1-2"), 0, ""},
		{"a word is missing at Imperva", has("cart"), answers(200, padding+imperva, "X-Iinfo", "1-2"), uptime.FaultHTTPKeywordMissing, ""},
		{"Akamai's origin is broken", nil, answers(503, "<TITLE>Service Unavailable</TITLE>", "Server", "AkamaiGHost"), uptime.FaultHTTPStatus, ""},
		{"an empty refusal", nil, answers(403, ""), uptime.FaultHTTPStatus, ""},
		{"a site at DataDome", nil, answers(200, "hello", "X-DataDome", "protected"), 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := serving(nil, tt.expect, tt.h)(t)
			if r.Fault != tt.fault || r.Outcome != tt.fault.Outcome() || !strings.Contains(r.Message, tt.says) {
				t.Errorf("%s, %q: %s", r.Outcome, r.Fault, r.Message)
			}
		})
	}
}

// TestSampleIsForgiven has a refusal whose body never ends reported as what its status is.
func TestSampleIsForgiven(t *testing.T) {
	r := rawly(nil, hangs("HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nhalf"))(t)
	if r.Fault != uptime.FaultHTTPStatus {
		t.Errorf("%q: %s", r.Fault, r.Message)
	}
}

func FuzzChallenge(f *testing.F) {
	f.Add(uint16(403), "Server: cloudflare", []byte("error code: 1020"))
	f.Add(uint16(200), "Set-Cookie: my-anubis=", []byte(anubisPage))
	f.Add(uint16(200), "X-Iinfo: "+probetest.Hostile, []byte(imperva))
	f.Fuzz(func(t *testing.T, status uint16, header string, data []byte) {
		name, value, _ := strings.Cut(header, ":")
		h := http.Header{http.CanonicalHeaderKey(name): {strings.TrimSpace(value)}}
		wallByHeader(h)
		wall := wallByBody(int(status), h, body{data: data})
		if wall == "" {
			return
		}
		resp := &http.Response{StatusCode: int(status), Header: h}
		lower, marked := bytes.ToLower(data), false
		for _, w := range walls {
			for _, mark := range w.marks {
				marked = marked || w.name == wall && bytes.Contains(lower, []byte(mark))
			}
		}
		if !marked || !maybeWall(resp) {
			t.Errorf("%s by %d, %q, %q", wall, status, header, data)
		}
	})
}
