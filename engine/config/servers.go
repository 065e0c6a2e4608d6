package config

import (
	"fmt"
	"net/netip"
	"strings"

	"lookout/engine/uptime"
)

// maxServers is how many name servers one monitor may name.
const maxServers = 8

// servers reads a list of name servers. They are addresses: whoever names a
// resolver by a name needs another one first.
func servers(k uptime.Key, raw any) (any, *wrong) {
	list, ok := raw.([]any)
	if s, single := raw.(string); single {
		list, ok = []any{s}, true
	}
	if !ok {
		return nil, &wrong{fmt.Sprintf("%s = %s must be a list of addresses", k.Name, show(k, raw)), example(k)}
	}
	if len(list) == 0 || len(list) > maxServers {
		return nil, &wrong{fmt.Sprintf("%s has %d servers; from 1 to %d are possible", k.Name, len(list), maxServers), ""}
	}
	out := make([]netip.AddrPort, len(list))
	for i, v := range list {
		s, ok := v.(string)
		if !ok {
			return nil, &wrong{fmt.Sprintf("%s must be a list of addresses, and number %d of it is %s", k.Name, i+1, typeName(v)), example(k)}
		}
		var err error
		if out[i], err = uptime.ParseServer(s); err != nil {
			return nil, &wrong{k.Name + ": " + err.Error(), example(k)}
		}
	}
	return out, nil
}

// interfaceName reports whether a text can name a network interface.
func interfaceName(s string) bool {
	return s != "" && len(s) <= 15 && !strings.ContainsAny(s, "/: ") && uptime.Clean(s, 15) == s
}

func serverList(servers []netip.AddrPort) string {
	texts := make([]string, len(servers))
	for i, s := range servers {
		texts[i] = s.String()
	}
	return list(texts)
}
