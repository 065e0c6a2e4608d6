package probes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"lookout/engine/uptime"
)

const (
	// bootstrapURL is IANA's list of who answers for which top-level domain (RFC 9224).
	bootstrapURL = "https://data.iana.org/rdap/dns.json"
	bootstrapAge = 7 * 24 * time.Hour
	// rememberFor is how long an end that a registry told is good while it is silent.
	rememberFor = 30 * 24 * time.Hour
)

// registries are what the checks of a registry of types share about those of
// domains: who answers for which, and the ends that were told.
type registries struct {
	list string        // URL of the bootstrap list
	turn chan struct{} // of one: held by who fetches the list; the others wait within their time

	mu      sync.Mutex
	servers map[string]string // by top-level domain; never written to once it is here
	until   time.Time
	told    map[string]told // by domain
}

func newRegistries() registries {
	return registries{list: bootstrapURL, turn: make(chan struct{}, 1), told: map[string]told{}}
}

// told is the end of a registration as its registry gave it.
type told struct{ ends, at time.Time }

// serverOf finds the RDAP server of a top-level domain. The list of them is
// fetched once a week, by the first check that needs it.
func (r *registries) serverOf(ctx context.Context, t *trace, by fetcher, tld string) (*url.URL, *failure) {
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return nil, fail(uptime.FaultDomainUnavailable, "no time was left to learn who answers for .%s", tld)
	}
	r.mu.Lock()
	servers, until := r.servers, r.until
	r.mu.Unlock()
	if servers == nil || time.Now().After(until) {
		fresh, f := r.bootstrap(ctx, t, by)
		switch {
		case f == nil:
			servers = fresh
			r.mu.Lock()
			r.servers, r.until = fresh, time.Now().Add(bootstrapAge)
			r.mu.Unlock()
		case servers == nil: // an old list is better than none
			return nil, f
		}
	}
	server, ok := servers[tld]
	if !ok {
		return nil, fail(uptime.FaultDomainUnavailable, "IANA knows no RDAP server for .%s; write the date by hand as expires, or name a server", tld)
	}
	u, err := serverURL(server)
	if err != nil || u.Scheme != "https" {
		return nil, fail(uptime.FaultDomainUnavailable, "the RDAP server of .%s is no URL of https", tld)
	}
	return u, nil
}

// bootstrap fetches the list of servers.
func (r *registries) bootstrap(ctx context.Context, t *trace, by fetcher) (map[string]string, *failure) {
	u, err := url.Parse(r.list)
	if err != nil {
		return nil, fail(uptime.FaultLocalConfig, "%v", err)
	}
	by.accept, by.tls = "application/json", (&form{}).tls(by.sys)
	status, data, f := by.fetch(ctx, t, u)
	switch {
	case f != nil && f.fault.Side() == uptime.Ours:
		return nil, f
	case f != nil:
		return nil, fail(uptime.FaultDomainUnavailable, "the list of RDAP servers could not be had: %s", f.text)
	case status != http.StatusOK:
		return nil, fail(uptime.FaultDomainUnavailable, "the list of RDAP servers could not be had: HTTP status %d", status)
	}
	servers, err := readBootstrap(data)
	if err != nil {
		return nil, fail(uptime.FaultDomainUnavailable, "the list of RDAP servers cannot be read: %v", err)
	}
	return servers, nil
}

// readBootstrap reads a list of servers: [[["com", "net"], ["https://…"]], …].
func readBootstrap(data []byte) (map[string]string, error) {
	var list struct {
		Services [][][]string `json:"services"`
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, errors.New("it is no such JSON")
	}
	servers := map[string]string{}
	for _, service := range list.Services {
		if len(service) < 2 || len(service[1]) == 0 {
			continue
		}
		server := service[1][0]
		if i := slices.IndexFunc(service[1], func(u string) bool { return strings.HasPrefix(u, "https://") }); i >= 0 {
			server = service[1][i]
		}
		for _, tld := range service[0] {
			servers[strings.ToLower(tld)] = server
		}
	}
	if len(servers) == 0 {
		return nil, errors.New("it is empty")
	}
	return servers, nil
}

// serverURL reads the URL of an RDAP server: what is below it is added to its path.
func serverURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("no URL of an RDAP server")
	}
	if !strings.HasSuffix(u.Path, "/") {
		u.Path += "/"
	}
	u.RawPath = ""
	return u, nil
}

// registration is what a registry says of a domain (RFC 9083).
type registration struct {
	ends   time.Time
	status []string
}

// over reports whether the domain is on its way to be deleted.
func (r registration) over() string {
	for _, s := range r.status {
		switch strings.ToLower(s) {
		case "redemption period", "pending delete":
			return strings.ToLower(s)
		}
	}
	return ""
}

// maxStatus is how many of the words about a domain are kept.
const maxStatus = 20

// readRegistration reads the answer to a question for a domain.
func readRegistration(data []byte, domain string) (registration, error) {
	var answer struct {
		Name   string   `json:"ldhName"`
		Status []string `json:"status"`
		Events []struct {
			Action string `json:"eventAction"`
			Date   string `json:"eventDate"`
		} `json:"events"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return registration{}, errors.New("the answer is no RDAP")
	}
	if name := strings.TrimSuffix(answer.Name, "."); name != "" && !strings.EqualFold(name, domain) {
		return registration{}, fmt.Errorf("the answer is about %s", quote(name))
	}
	r := registration{status: answer.Status[:min(len(answer.Status), maxStatus)]}
	for _, e := range answer.Events {
		action := strings.ToLower(e.Action)
		if action != "expiration" && action != "registrar expiration" {
			continue
		}
		at, err := readDate(e.Date)
		if err != nil {
			return r, err
		}
		if r.ends.IsZero() || at.Before(r.ends) {
			r.ends = at
		}
	}
	if r.ends.IsZero() && r.over() == "" {
		return r, errors.New("the answer has no date")
	}
	return r, nil
}

// readDate reads a date as registries write it: RFC 3339, and what comes near to it.
func readDate(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() > 1980 {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%s is no date", quote(s))
}
