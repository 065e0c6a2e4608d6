package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"lookout/engine/uptime"
)

// maxSecret bounds a secret's file.
const maxSecret = 64 << 10

// secrets resolves what a configuration refers to instead of holding it.
type secrets struct {
	env func(string) (string, bool)
	dir string   // of ${secret:NAME}; "": none
	not []string // files that are no secrets of checks, although they may lie in dir
	own string   // the folder of systemd's credentials, which is for us alone; "": none

	read func(path string) // is told of each file that was read; nil: nobody is

	only   bool   // ${secret:NAME} and nothing of the environment: it is for orders that came over the network
	away   bool   // what is read now is checked at other locations only: a secret may be missing here
	missed string // the name of one that is
}

// expand replaces ${NAME} and ${secret:NAME}; $${ is a plain ${. What it puts in
// is passed through escape, if there is one, and not looked at again.
func (s *secrets) expand(text string, escape func(string) string) (string, error) {
	if !strings.Contains(text, "${") {
		return text, nil
	}
	var b strings.Builder
	for {
		i := strings.Index(text, "${")
		if i < 0 {
			b.WriteString(text)
			return b.String(), nil
		}
		if i > 0 && text[i-1] == '$' {
			b.WriteString(text[:i-1] + "${")
			text = text[i+2:]
			continue
		}
		b.WriteString(text[:i])
		name, rest, ok := strings.Cut(text[i+2:], "}")
		if !ok {
			return "", errors.New("has a ${ without its }")
		}
		v, err := s.lookUp(name)
		if err != nil {
			return "", err
		}
		if escape != nil {
			v = escape(v)
		}
		b.WriteString(v)
		text = rest
	}
}

func (s *secrets) lookUp(name string) (string, error) {
	if secret, ok := strings.CutPrefix(name, "secret:"); ok {
		return s.fromDir(secret)
	}
	if !isName(name, false) {
		return "", errors.New("has a ${…} that names no environment variable")
	}
	if s.only {
		return "", fmt.Errorf("has ${%s}, and a probe takes nothing but ${secret:NAME}", name)
	}
	v, ok := s.env(name)
	if !ok {
		return "", fmt.Errorf("needs ${%s}, and the environment has no %s", name, name)
	}
	return v, nil
}

func (s *secrets) fromDir(name string) (string, error) {
	switch {
	case !isName(name, true):
		return "", errors.New("has a ${secret:…} whose name is not made of letters, digits and . _ -")
	case s.away && !s.has(name):
		s.missed = name
		return "missing", nil
	case s.dir == "":
		return "", fmt.Errorf("needs ${secret:%s}, and there is neither secrets_dir nor $CREDENTIALS_DIRECTORY", name)
	}
	path := filepath.Join(s.dir, name)
	if slices.Contains(s.not, path) {
		return "", fmt.Errorf("has ${secret:%s}, which is a file of lookout's own and no secret of a check", name)
	}
	return s.file(path)
}

// has reports whether there is a secret of a name.
func (s *secrets) has(name string) bool {
	if s.dir == "" {
		return false
	}
	_, err := os.Lstat(filepath.Join(s.dir, name))
	return !errors.Is(err, fs.ErrNotExist)
}

// isName limits names so that no part of a secret is taken for one and then shown.
func isName(s string, file bool) bool {
	if s == "" || len(s) > 64 || s[0] == '.' || s[0] == '-' || !file && s[0] >= '0' && s[0] <= '9' {
		return false
	}
	for i := range len(s) {
		if !bare(s[i]) && !(file && s[i] == '.') || !file && s[i] == '-' {
			return false
		}
	}
	return true
}

// file reads a file that others cannot, without its last newline.
func (s *secrets) file(path string) (string, error) {
	if s.read != nil {
		s.read(filepath.Clean(path))
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("cannot be read: %s", cause(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("cannot be read: %s", cause(err))
	}
	// systemd gives its credentials to root's group, and lets us in by an access
	// list: the bits of the group then are those of the list.
	credential := s.own != "" && filepath.Dir(path) == filepath.Clean(s.own) && info.Mode().Perm()&0o037 == 0
	if why := exposed(info); why != "" && !credential {
		return "", fmt.Errorf("is in %s, which %s; chmod 600 it", shownPath(path), why)
	}
	data, err := readAll(f, maxSecret)
	if err != nil {
		return "", fmt.Errorf("cannot be read: %s", cause(err))
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if text == "" {
		return "", fmt.Errorf("is in %s, which is empty", shownPath(path))
	}
	return text, nil
}

// exposed says who else can read or change a file of secrets; "" when nobody can. The
// process's own group may read it.
func exposed(info fs.FileInfo) string {
	perm := info.Mode().Perm()
	if perm&0o077 == 0 {
		return ""
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && perm&0o077 == 0o040 && int(st.Gid) == os.Getegid() {
		return ""
	}
	if perm&0o007 != 0 {
		return fmt.Sprintf("everybody can use (mode %04o)", perm)
	}
	return fmt.Sprintf("its group can use (mode %04o)", perm)
}

func readAll(f *os.File, max int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(f, max+1))
	if err == nil && int64(len(data)) > max {
		err = fmt.Errorf("%s is larger than %s", shownPath(f.Name()), sizeText(max))
	}
	return data, err
}

// cause is an error of a file for people: the path and what is wrong, without the system call.
func cause(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return shownPath(p.Path) + ": " + p.Err.Error()
	}
	return err.Error()
}

func shownPath(path string) string { return uptime.Clean(path, 200) }
