package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"

	"lookout/engine/uptime"
)

// checkBody asks for one check from a location.
type checkBody struct {
	Target string `json:"target"` // the name of a monitor, or a URL
	From   string `json:"from"`   // a location
}

// checkFrom answers with what was found there, a result as everywhere.
func (s *server) checkFrom(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.actor(r); err != nil {
		return err
	}
	var b checkBody
	if err := readJSON(w, r, &b); err != nil {
		return err
	}
	res, err := s.opt.CheckFrom(r.Context(), b.Target, b.From)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, &res)
	return nil
}

// CheckFrom has a monitor, or a URL with every default, checked once at a
// location, and returns what was found. Nothing is stored.
func (c *Client) CheckFrom(ctx context.Context, target, location string) (uptime.Result, error) {
	var res uptime.Result
	resp, err := c.do(ctx, http.MethodPost, "/v1/check", checkBody{target, location}) // it takes as long as the check: ctx bounds it
	if err != nil {
		return res, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&res); err != nil {
		return res, c.failed(err)
	}
	return res, nil
}
