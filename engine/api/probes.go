package api

import "net/http"

// probes serves /v1/probes: who checks elsewhere, and the broker between.
func (s *server) probes(w http.ResponseWriter, _ *http.Request) error {
	snap, err := s.snapshot()
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, snap.Remotes())
	return nil
}
