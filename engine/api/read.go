package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"lookout/engine/uptime"
)

const (
	defaultLimit = 1000
	maxLimit     = 10_000
)

// snapshot is the newest, or the mistake that there is none yet.
func (s *server) snapshot() (*uptime.Snapshot, error) {
	if snap := s.opt.Backend.Snapshot(); snap != nil {
		return snap, nil
	}
	return nil, &Error{http.StatusServiceUnavailable, "the engine is starting", "ask again in a moment"}
}

func (s *server) hello(w http.ResponseWriter, r *http.Request) error {
	_, err := s.actor(r)
	h := Hello{Version: 1, Kind: "hello", Lookout: s.opt.Version, PID: s.opt.PID, Config: s.config().Path,
		Started: s.opt.Started.UTC(), You: peerOf(r.Context()).name(), MayAct: err == nil, Stream: s.stream}
	if snap := s.opt.Backend.Snapshot(); snap != nil {
		h.Instance = snap.Instance
	}
	// Every time of the interface has its milliseconds, those that are zero too.
	writeJSON(w, http.StatusOK, struct {
		Hello
		Started string `json:"started"`
	}{h, h.Started.Format("2006-01-02T15:04:05.000Z")})
	return nil
}

// status serves /v1/status?page=&problems=&full= and /v1/pages/NAME. Full says
// what it takes to write the status as the engine itself would.
func (s *server) status(w http.ResponseWriter, r *http.Request) error {
	st, err := s.narrow(r)
	if err != nil {
		return err
	}
	if isSet(r.URL.Query(), "full") {
		writeJSON(w, http.StatusOK, uptime.FullStatus(st))
		return nil
	}
	writeJSON(w, http.StatusOK, st)
	return nil
}

// narrow is the status that a request asks for: a page of it, or its problems,
// which leave the counts as they are.
func (s *server) narrow(r *http.Request) (uptime.Status, error) {
	snap, err := s.snapshot()
	if err != nil {
		return uptime.Status{}, err
	}
	st := uptime.Status{Snapshot: snap}
	page := r.PathValue("page")
	q := r.URL.Query()
	if page == "" {
		page = q.Get("page")
	}
	if page != "" {
		p, err := s.page(page)
		if err != nil {
			return uptime.Status{}, err
		}
		st.Page = p.Name
		st.Snapshot = snap.Narrow(func(st *uptime.State) bool { return p.Includes(st.Monitor) })
	}
	if isSet(q, "problems") {
		c := *st.Snapshot
		c.States = slices.DeleteFunc(slices.Clone(c.States), func(st *uptime.State) bool { return !st.Problem() })
		st.Snapshot = &c
	}
	return st, nil
}

func (s *server) page(name string) (*uptime.Page, error) {
	pages := s.config().Pages
	names := make([]string, len(pages))
	for i := range pages {
		if names[i] = pages[i].Name; names[i] == name {
			return &pages[i], nil
		}
	}
	hint := "the configuration has none"
	if len(names) > 0 {
		hint = "there is " + strings.Join(names, ", ")
	}
	return nil, &Error{http.StatusNotFound, fmt.Sprintf("there is no page %q", name), hint}
}

type pageJSON struct {
	Page   string   `json:"page"`
	Names  []string `json:"names,omitempty"`
	Tags   []string `json:"tags,omitempty"`
	Groups []string `json:"groups,omitempty"`
}

func (s *server) pages(w http.ResponseWriter, _ *http.Request) error {
	out := []pageJSON{}
	for _, p := range s.config().Pages {
		out = append(out, pageJSON{p.Name, p.Names, p.Tags, p.Groups})
	}
	return writeList(w, "pages", out)
}

// writeList sends a list of public objects under the name of its kind.
func writeList[T any](w http.ResponseWriter, kind string, items []T) error {
	if items == nil {
		items = []T{}
	}
	var b bytes.Buffer
	if err := encode(&b, items); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, json.RawMessage(fmt.Appendf(nil, `{"version":1,"kind":%q,%q:%s}`, kind, kind, b.Bytes())))
	return nil
}

// monitors serves /v1/monitors?tag=&group=&problems=.
func (s *server) monitors(w http.ResponseWriter, r *http.Request) error {
	snap, err := s.snapshot()
	if err != nil {
		return err
	}
	q := r.URL.Query()
	tag, group, onlyProblems := q.Get("tag"), q.Get("group"), isSet(q, "problems")
	states := slices.DeleteFunc(slices.Clone(snap.States), func(st *uptime.State) bool {
		return tag != "" && !slices.Contains(st.Tags, tag) || group != "" && st.Group != group || onlyProblems && !st.Problem()
	})
	return writeList(w, "monitors", states)
}

func find(snap *uptime.Snapshot, name string) *uptime.State {
	if i, ok := slices.BinarySearchFunc(snap.States, name, byName); ok {
		return snap.States[i]
	}
	return nil
}

func byName(st *uptime.State, name string) int { return strings.Compare(st.Name, name) }

func noMonitor(name string) error {
	return &Error{http.StatusNotFound, fmt.Sprintf("%v: %q", uptime.ErrNoMonitor, uptime.Clean(name, 80)), "GET /v1/monitors lists them"}
}

func (s *server) monitor(w http.ResponseWriter, r *http.Request) error {
	snap, err := s.snapshot()
	if err != nil {
		return err
	}
	st := find(snap, r.PathValue("name"))
	if st == nil {
		return noMonitor(r.PathValue("name"))
	}
	b, err := st.MarshalJSON()
	if err != nil {
		return err
	}
	// The same object as in a status, which has the version and kind of its own.
	writeJSON(w, http.StatusOK, json.RawMessage(append([]byte(`{"version":1,"kind":"monitor",`), b[1:]...)))
	return nil
}

func (s *server) results(w http.ResponseWriter, r *http.Request) error {
	q := query{Values: r.URL.Query()}
	rq := uptime.ResultQuery{Monitor: r.PathValue("name"), Location: q.Get("location"),
		Since: q.time("since"), Until: q.time("until"), Limit: q.limit()}
	if q.err != nil {
		return q.err
	}
	ctx, cancel := within(r)
	defer cancel()
	list, err := s.opt.Backend.Results(ctx, rq)
	if err != nil {
		return err
	}
	if err := s.known(rq.Monitor, len(list)); err != nil {
		return err
	}
	return writeList(w, "results", list)
}

// known reports a name that neither is a monitor nor was one.
func (s *server) known(name string, found int) error {
	if found > 0 || name == "" {
		return nil
	}
	if snap := s.opt.Backend.Snapshot(); snap != nil && find(snap, name) == nil {
		return noMonitor(name)
	}
	return nil
}

// incidents serves /v1/incidents?monitor= and /v1/monitors/NAME/incidents.
func (s *server) incidents(w http.ResponseWriter, r *http.Request) error {
	q := query{Values: r.URL.Query()}
	iq := uptime.IncidentQuery{Monitor: r.PathValue("name"), Since: q.time("since"), Until: q.time("until"), Limit: q.limit()}
	if iq.Monitor == "" {
		iq.Monitor = q.Get("monitor")
	}
	if q.err != nil {
		return q.err
	}
	ctx, cancel := within(r)
	defer cancel()
	list, err := s.opt.Backend.Incidents(ctx, iq)
	if err != nil {
		return err
	}
	if err := s.known(iq.Monitor, len(list)); err != nil {
		return err
	}
	return writeList(w, "incidents", list)
}

func (s *server) incident(w http.ResponseWriter, r *http.Request) error {
	text := strings.TrimPrefix(r.PathValue("number"), "#")
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n == 0 {
		return &Error{http.StatusBadRequest, fmt.Sprintf("%q is no incident number", uptime.Clean(text, 40)), "incidents are numbered from 1"}
	}
	ctx, cancel := within(r)
	defer cancel()
	list, err := s.opt.Backend.Incidents(ctx, uptime.IncidentQuery{Number: n, Limit: 1})
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return &Error{http.StatusNotFound, fmt.Sprintf("there is no incident #%d", n), ""}
	}
	writeJSON(w, http.StatusOK, list[0])
	return nil
}

// query reads parameters and keeps the first mistake.
type query struct {
	url.Values
	err error
}

func (q *query) fail(key, value, hint string) {
	if q.err == nil {
		q.err = &Error{http.StatusBadRequest, fmt.Sprintf("%s=%s makes no sense", key, uptime.Clean(value, 80)), hint}
	}
}

func (q *query) number(key string) uint64 {
	v := q.Get(key)
	if v == "" {
		return 0
	}
	n, err := strconv.ParseUint(v, 10, 64)
	if err != nil {
		q.fail(key, v, "it is a whole number")
	}
	return n
}

func (q *query) limit() int {
	n := q.number("limit")
	if n > maxLimit {
		q.fail("limit", q.Get("limit"), fmt.Sprintf("it is at most %d", maxLimit))
	}
	if n == 0 {
		return defaultLimit
	}
	return int(n)
}

func (q *query) time(key string) time.Time {
	v := q.Get(key)
	if v == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, v)
	if err != nil {
		q.fail(key, v, "it is a time such as 2026-11-22T12:31:07Z")
	}
	return t.UTC()
}

func isSet(q url.Values, key string) bool {
	v := q.Get(key)
	return v != "" && v != "0" && v != "false"
}
