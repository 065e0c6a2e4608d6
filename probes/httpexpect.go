package probes

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// contentHash is how many bytes of a body's SHA-256 a result keeps.
const contentHash = 8

// httpExpect is what an answer has to be like.
type httpExpect struct {
	status      statusSet
	contains    []string
	notContains []string
	matches     []*regexp.Regexp
	json        []jsonCondition
	headers     []headerCondition
	sizeMin     int64 // -1: any
	sizeMax     int64 // -1: any
	watchSize   bool  // the engine learns what is usual
	watchHash   bool  // the engine tells of changes
	spare       bool  // a body of which nothing is expected is not read
}

type headerCondition struct {
	name    string
	matches *regexp.Regexp
}

// statusSet is a list of codes and ranges.
type statusSet struct {
	ranges [][2]int
	listed bool // by the configuration, rather than by default
}

func (s statusSet) has(code int) bool {
	for _, r := range s.ranges {
		if code >= r[0] && code <= r[1] {
			return true
		}
	}
	return false
}

func (s statusSet) String() string {
	var texts []string
	for _, r := range s.ranges {
		if r[0] == r[1] {
			texts = append(texts, strconv.Itoa(r[0]))
		} else {
			texts = append(texts, fmt.Sprintf("%d-%d", r[0], r[1]))
		}
	}
	return strings.Join(texts, ", ")
}

// parseStatus reads "301" or "200-299".
func parseStatus(s string) (r [2]int, err error) {
	low, high, isRange := strings.Cut(s, "-")
	if !isRange {
		high = low
	}
	for i, text := range []string{low, high} {
		n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 16)
		if err != nil || n < 100 || n > 999 {
			return r, fmt.Errorf("%q is no HTTP status", uptime.Clean(s, 40))
		}
		r[i] = int(n)
	}
	if r[0] > r[1] {
		return r, fmt.Errorf("%q runs backwards", uptime.Clean(s, 40))
	}
	return r, nil
}

// httpExpect reads the keys of [monitor.expect].
func (f *form) httpExpect() httpExpect {
	e := httpExpect{
		contains:    uptime.Value(f.Expect, "body_contains", []string(nil)),
		notContains: uptime.Value(f.Expect, "body_not_contains", []string(nil)),
		sizeMin:     uptime.Value(f.Expect, "size_min", int64(-1)),
		sizeMax:     uptime.Value(f.Expect, "size_max", int64(-1)),
		watchSize:   uptime.Value(f.Expect, "watch_size", false),
		watchHash:   uptime.Value(f.Expect, "watch_content", false),
	}
	for _, text := range uptime.Value(f.Expect, "status", []string(nil)) {
		r, err := parseStatus(text)
		if err != nil {
			f.wrong("expect.status", `write "200-299" or "301"`, "%v", err)
		}
		e.status.ranges, e.status.listed = append(e.status.ranges, r), true
	}
	if !e.status.listed {
		e.status.ranges = [][2]int{{200, 299}}
	}
	for _, text := range uptime.Value(f.Expect, "body_matches", []string(nil)) {
		e.matches = append(e.matches, f.pattern("expect.body_matches", text))
	}
	for _, table := range uptime.Value(f.Expect, "json", []map[string]string(nil)) {
		f.only("expect.json", table, "path", "equals")
		c, err := newJSONCondition(table["path"], table["equals"])
		if err != nil {
			f.wrong("expect.json", `write {path = "$.status", equals = "ok"} (RFC 9535)`, "%q is no JSON path: %v", uptime.Clean(table["path"], 80), err)
		}
		e.json = append(e.json, c)
	}
	for _, table := range uptime.Value(f.Expect, "headers", []map[string]string(nil)) {
		f.only("expect.headers", table, "name", "matches")
		if !token(table["name"]) {
			f.wrong("expect.headers", `write {name = "Server", matches = "^nginx"}`, "%q is no header", uptime.Clean(table["name"], 60))
		}
		e.headers = append(e.headers, headerCondition{table["name"], f.pattern("expect.headers", table["matches"])})
	}
	if e.sizeMin >= 0 && e.sizeMax >= 0 && e.sizeMin > e.sizeMax {
		f.wrong("expect.size_min", "", "size_min is larger than size_max")
	}
	return e
}

// String says for people what is expected.
func (e *httpExpect) String() string {
	parts := []string{e.status.String()}
	for _, s := range e.contains {
		parts = append(parts, "body has "+literal(s))
	}
	for _, s := range e.notContains {
		parts = append(parts, "body has not "+literal(s))
	}
	for _, re := range e.matches {
		parts = append(parts, "body matches "+literal(re.String()))
	}
	for _, c := range e.json {
		parts = append(parts, c.text+" is "+literal(c.equals))
	}
	for _, h := range e.headers {
		parts = append(parts, h.name+" matches "+literal(h.matches.String()))
	}
	switch {
	case e.sizeMin >= 0 && e.sizeMax >= 0:
		parts = append(parts, fmt.Sprintf("%d to %d bytes", e.sizeMin, e.sizeMax))
	case e.sizeMin >= 0:
		parts = append(parts, fmt.Sprintf("at least %d bytes", e.sizeMin))
	case e.sizeMax >= 0:
		parts = append(parts, fmt.Sprintf("at most %d bytes", e.sizeMax))
	}
	if e.watchSize {
		parts = append(parts, "the usual size")
	}
	if e.watchHash {
		parts = append(parts, "changes are told")
	}
	return strings.Join(parts, ", ")
}

func (e *httpExpect) needsBody() bool {
	return len(e.contains)+len(e.notContains)+len(e.matches)+len(e.json) > 0 || e.sizeMin >= 0 || e.sizeMax >= 0 || !e.spare && (e.watchSize || e.watchHash)
}

// judge says whether an answer is as expected. It looks at the body only if
// something is expected of it, or if it may be that of a bot wall; its start
// must not break off in any case.
func (e *httpExpect) judge(ctx context.Context, t *trace, conn net.Conn, resp *http.Response, redirected bool) *failure {
	start := time.Now()
	wanted := resp.StatusCode >= 400 && e.status.listed && e.status.has(resp.StatusCode) // be it a wall's
	f := e.header(resp, redirected)
	wall, sampled := "", false
	var broken *failure
	if !wanted {
		wall = wallByHeader(resp.Header)
		if wall == "" && (f != nil || !e.needsBody()) && maybeWall(resp) {
			var b body
			b, broken = sample(ctx, t, conn, resp)
			wall, sampled = wallByBody(resp.StatusCode, resp.Header, b), true
		}
	}
	if wall != "" {
		f = challenged(t, wall)
	}
	if f != nil {
		t.judged("expect", start, "", f)
		return f
	}
	switch {
	case broken != nil:
		t.judged("body", start, "", broken)
		return broken
	case !e.needsBody() && (sampled || e.spare):
		return nil
	case !e.needsBody():
		return whole(ctx, t, conn, resp)
	}
	start = time.Now()
	b, f := readBody(t, resp, maxBody)
	took := t.judged("body", start, strconv.Itoa(len(b.data))+" bytes", f)
	t.measure(bodyTime, took)
	if f != nil {
		return f
	}
	start = time.Now()
	f = e.body(b)
	if wall = wallByBody(resp.StatusCode, resp.Header, b); wall != "" && !wanted {
		f = challenged(t, wall)
	} else {
		e.note(t, b)
	}
	t.judged("expect", start, "", f)
	return f
}

// note keeps of a site's body what the engine compares with those before it.
func (e *httpExpect) note(t *trace, b body) {
	if e.watchSize { // an engine learns from it, so only where that is asked for
		t.res.Size = int64(len(b.data))
	}
	if e.watchHash {
		sum := sha256.Sum256(b.data)
		t.res.Content = hex.EncodeToString(sum[:contentHash])
	}
}

// header judges all but the body.
func (e *httpExpect) header(resp *http.Response, redirected bool) *failure {
	if !e.status.has(resp.StatusCode) {
		from := ""
		if redirected {
			from = " from " + uptime.RedactURL(resp.Request.URL)
		}
		return fail(uptime.FaultHTTPStatus, "HTTP status %d%s, expected %s", resp.StatusCode, from, e.status)
	}
	for _, h := range e.headers {
		if f := h.judge(resp.Header); f != nil {
			return f
		}
	}
	return nil
}

func (h headerCondition) judge(header http.Header) *failure {
	values := header.Values(h.name)
	if len(values) == 0 {
		return fail(uptime.FaultHTTPHeaderMismatch, "HTTP header %s is missing, expected a match for %s", h.name, literal(h.matches.String()))
	}
	for _, v := range values {
		if h.matches.MatchString(v) {
			return nil
		}
	}
	return fail(uptime.FaultHTTPHeaderMismatch, "HTTP header %s is %s, expected a match for %s", h.name, quote(values[0]), literal(h.matches.String()))
}

// body judges what was read.
func (e *httpExpect) body(b body) *failure {
	size := int64(len(b.data))
	if size == 0 && (len(e.contains)+len(e.matches)+len(e.json) > 0 || e.watchSize) {
		return fail(uptime.FaultHTTPEmptyBody, "the body is empty")
	}
	if e.sizeMin >= 0 && size < e.sizeMin {
		return fail(uptime.FaultHTTPSize, "the body has %d bytes, expected at least %d", size, e.sizeMin)
	}
	if e.sizeMax >= 0 && (size > e.sizeMax || b.more) {
		return fail(uptime.FaultHTTPSize, "the body has more than %d bytes", min(e.sizeMax, size))
	}
	within := ""
	if b.more {
		within = fmt.Sprintf(" in its first %d KiB", maxBody>>10)
	}
	for _, s := range e.contains {
		if !bytes.Contains(b.data, []byte(s)) {
			return fail(uptime.FaultHTTPKeywordMissing, "the body does not contain %s%s", literal(s), within)
		}
	}
	for _, re := range e.matches {
		if !re.Match(b.data) {
			return fail(uptime.FaultHTTPKeywordMissing, "the body does not match %s%s", literal(re.String()), within)
		}
	}
	for _, s := range e.notContains {
		if bytes.Contains(b.data, []byte(s)) {
			return fail(uptime.FaultHTTPKeywordPresent, "the body contains %s", literal(s))
		}
	}
	if len(e.json) == 0 {
		return nil
	}
	if b.more {
		return fail(uptime.FaultHTTPBodyTooLarge, "the body is larger than %d KiB, too large for JSON", maxBody>>10)
	}
	return judgeJSON(b.data, e.json)
}
