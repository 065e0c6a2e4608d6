package config

import (
	"fmt"
	"strings"
)

// typed converts the keys of the monitor's type, over its defaults.
func (d *draft) typed() {
	base := d.chain.under(d.l, d.kind)
	d.values, d.expect = base.values.base, base.expect.base
	own := map[string]any{}
	for _, key := range sorted(d.raw) {
		if _, ok := d.l.reg.common[key]; ok || key == "expect" {
			continue
		}
		slot, v, w := d.l.convertOwn(d.blk, d.kind.keyset, key, d.raw[key])
		switch {
		case d.l.full():
			return
		case w != nil:
			d.fail(w.message, w.hint, key)
		case slot == "":
			d.unknown(key)
		default:
			if _, twice := own[slot]; twice {
				d.fail(fmt.Sprintf("%s and %s exclude each other", slot, slot+fileSuffix), "", key)
			}
			own[slot] = v
		}
	}
	d.values = base.values.under(own)
	d.typedExpect(base)
}

func (d *draft) typedExpect(base *merged) {
	raw, set := d.raw["expect"]
	if !set {
		return
	}
	m, ok := raw.(map[string]any)
	if !ok {
		d.fail("expect must be a table", "Write it as [monitor.expect] below the monitor's keys", "expect")
		return
	}
	own := map[string]any{}
	for _, key := range sorted(m) {
		spec, ok := d.kind.expect[key]
		if !ok {
			d.unknownExpect(key)
			continue
		}
		v, w := d.l.convert(d.blk, spec, m[key])
		if w != nil {
			d.fail("expect."+w.message, w.hint, "expect", key)
			continue
		}
		own[key] = v
	}
	d.expect = base.expect.under(own)
}

// unknown reports a key that the monitor's type does not know. The sentence
// does not begin with the monitor's name: the line says which it is.
func (d *draft) unknown(key string) {
	if owners := d.l.reg.owners[key]; len(owners) > 0 {
		d.fail(fmt.Sprintf("%s is a key of %s and not of %s", key, strings.Join(owners, ", "), d.kind.Name), "", key)
		return
	}
	prefix := d.prefix
	d.prefix = ""
	hint := ""
	if n := Near(key, append(append(names(monitorKeys), names(d.kind.Keys)...), append(sorted(d.kind.fileKeys), "expect")...)); n != "" && len(d.l.reg.expectOwners[key]) == 0 {
		hint = fmt.Sprintf("Did you mean %q?", n)
	} else {
		hint = d.l.monitorHint(key)
	}
	d.fail(fmt.Sprintf("unknown key %q", shown(key)), hint, key)
	d.prefix = prefix
}

func (d *draft) unknownExpect(key string) {
	if owners := d.l.reg.expectOwners[key]; len(owners) > 0 {
		d.fail(fmt.Sprintf("expect.%s is a key of %s and not of %s", key, strings.Join(owners, ", "), d.kind.Name), "", "expect", key)
		return
	}
	prefix := d.prefix
	d.prefix = ""
	hint := ""
	if n := Near(key, names(d.kind.Expect)); n != "" {
		hint = fmt.Sprintf("Did you mean %q?", "expect."+n)
	}
	if _, ok := d.l.reg.common[key]; hint == "" && (ok || len(d.l.reg.owners[key]) > 0) {
		hint = "It belongs in the [[monitor]] itself, above [monitor.expect]"
	}
	d.fail(fmt.Sprintf("unknown key %q", "expect."+shown(key)), hint, "expect", key)
	d.prefix = prefix
}
