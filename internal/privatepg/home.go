package privatepg

import (
	"fmt"
	"os"
	"path/filepath"
)

// maxSocketDir leaves room for "/.s.PGSQL.65535" in the 104 bytes that the shortest sockaddr_un has.
const maxSocketDir = 85

// makeHome makes the folder that holds data and log, owned by whom the server runs as.
func makeHome(dir string) (home string, temporary bool, err error) {
	if dir == "" {
		if home, err = os.MkdirTemp(tempRoot(), "rxvigil-pg-"); err != nil {
			return "", false, fmt.Errorf("make a folder for the private Postgres: %w", err)
		}
		return home, true, own(home)
	}
	if home, err = filepath.Abs(dir); err != nil {
		return "", false, err
	}
	if err = os.MkdirAll(home, 0o700); err != nil {
		return "", false, fmt.Errorf("make a folder for the private Postgres: %w", err)
	}
	return home, false, own(home)
}

// makeSocketDir is home itself when that is short enough, else a folder of its own.
func makeSocketDir(home string) (string, error) {
	if len(home) <= maxSocketDir {
		return home, nil
	}
	dir, err := os.MkdirTemp("/tmp", "rxv-")
	if err != nil {
		return "", fmt.Errorf("make a folder for the private Postgres' socket: %w", err)
	}
	return dir, own(dir)
}

// tempRoot is the usual temporary folder, unless we are root and the unprivileged user could not enter it.
func tempRoot() string {
	root := os.TempDir()
	if os.Geteuid() == 0 && !open(root) {
		return "/tmp"
	}
	return root
}

// open tells whether everybody may pass through every folder on the way to dir.
func open(dir string) bool {
	for d := dir; ; d = filepath.Dir(d) {
		info, err := os.Stat(d)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return false
		}
		if d == filepath.Dir(d) {
			return true
		}
	}
}
