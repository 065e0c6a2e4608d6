package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"lookout/probes/wire"
)

// FORMAT.md draws what is read and written here.

const (
	magic      = "lksp"
	version    = 1
	headerSize = 80
	inodeAt    = 60 // of the file's own inode
	nextAt     = 64 // of the number that the next row gets, in the header
	checkedTo  = 56 // bytes of the header that its checksum covers
	recordHead = 8  // checksum and size of a record
	maxRecord  = 1 << 20
)

// form is what a file is for.
type form byte

const (
	formLive   form = 1 // rows are appended to it, one record each time
	formSealed form = 2 // rewritten, with many rows in a record
)

// kind is what a record says. A number never changes its meaning.
type kind byte

const (
	kindRows kind = 1 // results
	kindSent kind = 2 // rows that were let go, of this file or an older one
	kindLost kind = 3 // rows that were given up
	kindTold kind = 4 // rows of which the engine was told that they were
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errNewer reports a file of a later version of the format.
var errNewer = errors.New("was written by a newer lookout")

// errDamaged reports bytes that are none of a spool.
var errDamaged = errors.New("is damaged")

// boot names the time since the machine was started; all zero: not known.
type boot [16]byte

// header is the beginning of a file.
type header struct {
	form    form
	epoch   uint64
	boot    boot   // when it was made
	from    uint64 // the number of its first row
	to      uint64 // of a sealed file: one more than that of its last row
	dropped uint64 // rows given up before it was made, since its epoch began
	inode   uint32 // of a live file, the low bits: a copy has another; 0: not known
	next    uint64 // of a live file: the number that the next row gets
}

func (h *header) write() []byte {
	b := make([]byte, headerSize)
	copy(b, magic)
	b[4], b[5] = version, byte(h.form)
	binary.BigEndian.PutUint64(b[8:], h.epoch)
	copy(b[16:], h.boot[:])
	binary.BigEndian.PutUint64(b[32:], h.from)
	binary.BigEndian.PutUint64(b[40:], h.to)
	binary.BigEndian.PutUint64(b[48:], h.dropped)
	binary.LittleEndian.PutUint32(b[checkedTo:], crc32.Checksum(b[:checkedTo], castagnoli))
	binary.BigEndian.PutUint32(b[inodeAt:], h.inode)
	copy(b[nextAt:], writeNext(h.next))
	return b
}

// writeNext is the part of a header that changes, in place, with each append.
func writeNext(next uint64) []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 12), next)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// readHeader reads the beginning of a file; sound is false where what changes in it is damaged.
func readHeader(b []byte) (h header, sound bool, err error) {
	switch {
	case len(b) < headerSize || string(b[:4]) != magic || binary.LittleEndian.Uint32(b[checkedTo:]) != crc32.Checksum(b[:checkedTo], castagnoli):
		return h, false, errDamaged
	case b[4] > version:
		return h, false, fmt.Errorf("%w: format %d, and this one reads %d", errNewer, b[4], version)
	}
	h = header{form: form(b[5]), epoch: binary.BigEndian.Uint64(b[8:]), boot: boot(b[16:32]), from: binary.BigEndian.Uint64(b[32:]),
		to: binary.BigEndian.Uint64(b[40:]), dropped: binary.BigEndian.Uint64(b[48:]), inode: binary.BigEndian.Uint32(b[inodeAt:]), next: binary.BigEndian.Uint64(b[nextAt:])}
	next := b[nextAt : nextAt+12]
	if h.form != formLive && h.form != formSealed || h.to != 0 && h.to < h.from || h.from > maxNumber || h.to > maxNumber {
		return h, false, errDamaged
	}
	return h, binary.LittleEndian.Uint32(next[8:]) == crc32.Checksum(next[:8], castagnoli) && h.next <= maxNumber, nil
}

// maxNumber is the largest number of a row.
const maxNumber = 1<<63 - 1

// record is where some rows with neighbouring numbers are.
type record struct {
	wire.Interval
	at   int64 // when the first of them was appended, in Unix ms
	off  int64 // of the frame in the file
	size int   // of the frame
}

// mark is a record that says something about rows.
type mark struct {
	kind  kind
	epoch uint64
	wire.Interval
	dropped uint64 // rows given up by then, since the epoch of the file began
}

// appendRows writes a record of rows around their frame.
func appendRows(b []byte, iv wire.Interval, at int64, frame []byte) []byte {
	return appendRecord(b, func(b []byte) []byte {
		b = append(b, byte(kindRows))
		b = binary.AppendUvarint(b, iv.From)
		b = binary.AppendUvarint(b, iv.To-iv.From)
		b = binary.AppendVarint(b, at)
		return append(b, frame...)
	})
}

func appendMark(b []byte, m mark) []byte {
	return appendRecord(b, func(b []byte) []byte {
		b = append(b, byte(m.kind))
		b = binary.BigEndian.AppendUint64(b, m.epoch)
		b = binary.AppendUvarint(b, m.From)
		b = binary.AppendUvarint(b, m.To-m.From)
		return binary.AppendUvarint(b, m.dropped)
	})
}

func appendRecord(b []byte, body func([]byte) []byte) []byte {
	at := len(b)
	b = body(append(b, make([]byte, recordHead)...))
	binary.LittleEndian.PutUint32(b[at+4:], uint32(len(b)-at-recordHead))
	binary.LittleEndian.PutUint32(b[at:], crc32.Checksum(b[at+4:], castagnoli))
	return b
}

// content is what a file says after its header.
type content struct {
	rows    []record
	marks   []mark
	end     int64 // of the last record
	damaged bool  // some of it could not be read, or is missing
}

// scan reads the records of a file, header included. One that is damaged is
// skipped; where that makes it impossible to say where the next begins, the
// rest is left.
func scan(b []byte) (c content) {
	off := headerSize
	c.end = headerSize
	for off < len(b) {
		body := cut(b[off:])
		if body == nil {
			c.damaged = true
			return c
		}
		end := off + recordHead + len(body)
		if binary.LittleEndian.Uint32(b[off:]) != crc32.Checksum(b[off+4:end], castagnoli) || !c.take(body, int64(end)) {
			c.damaged = true
		} else {
			c.end = int64(end)
		}
		off = end
	}
	return c
}

// cut is the body of the record that b begins with, nil where there is none.
func cut(b []byte) []byte {
	if len(b) < recordHead {
		return nil
	}
	size := binary.LittleEndian.Uint32(b[4:])
	if size == 0 || size > maxRecord || int(size) > len(b)-recordHead {
		return nil
	}
	return b[recordHead : recordHead+int(size)]
}

// take reads the body of a record that ends there in the file. Kinds that are
// not known are skipped.
func (c *content) take(body []byte, end int64) bool {
	n := numbers{rest: body[1:]}
	switch k := kind(body[0]); k {
	case kindRows:
		r := record{Interval: n.interval()}
		r.at = n.int()
		r.size = len(n.rest)
		r.off = end - int64(r.size)
		if n.bad || r.To == r.From || r.To-r.From > wire.MaxRows {
			return false
		}
		if i := len(c.rows); i > 0 && r.From < c.rows[i-1].To {
			return false
		}
		c.rows = append(c.rows, r)
	case kindSent, kindLost, kindTold:
		m := mark{kind: k, epoch: n.fixed()}
		m.Interval = n.interval()
		m.dropped = n.uint()
		if n.bad || len(n.rest) > 0 {
			return false
		}
		c.marks = append(c.marks, m)
	}
	return true
}

// numbers reads those that a record begins with.
type numbers struct {
	rest []byte
	bad  bool
}

func (n *numbers) uint() uint64 {
	v, size := binary.Uvarint(n.rest)
	if size <= 0 {
		n.bad = true
		return 0
	}
	n.rest = n.rest[size:]
	return v
}

func (n *numbers) int() int64 {
	v, size := binary.Varint(n.rest)
	if size <= 0 {
		n.bad = true
		return 0
	}
	n.rest = n.rest[size:]
	return v
}

func (n *numbers) fixed() uint64 {
	if len(n.rest) < 8 {
		n.bad = true
		return 0
	}
	v := binary.BigEndian.Uint64(n.rest)
	n.rest = n.rest[8:]
	return v
}

func (n *numbers) interval() wire.Interval {
	from, count := n.uint(), n.uint()
	if from > maxNumber || count > maxNumber-from {
		n.bad = true
		return wire.Interval{}
	}
	return wire.Interval{From: from, To: from + count}
}
