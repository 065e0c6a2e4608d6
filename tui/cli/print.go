package cli

import (
	"bytes"
	"encoding/json"
)

// printJSON prints one object a line, as it is: no HTML escapes, no colour.
func (c *call) printJSON(v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := c.stdout.Write(b.Bytes())
	return err
}
