//go:build e2e

// Package e2e tells stories to the binary as it is shipped and a Postgres in a container: the server is restarted, frozen,
// cut off and killed under a busy app, the configuration is changed, and in the end everything is removed. Run it with
// make e2e, which sees to a container engine and an image.
package e2e

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"
	"go.uber.org/goleak"
)

// shared is what all stories use: the binary, and the way to the container engine.
var shared struct {
	binary string
	docker *testcontainers.DockerClient
	image  string
}

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "rxvigil-e2e-")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	shared.binary = filepath.Join(dir, "rxvigil")
	if out, err := exec.Command("go", "build", "-trimpath", "-o", shared.binary, "../../cmd/rxvigil").CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build rxvigil: %w\n%s", err, out)
	}
	log.SetDefault(quiet{})
	ctx := context.Background()
	if shared.docker, err = testcontainers.NewDockerClientWithOpts(ctx); err != nil {
		return 0, fmt.Errorf("reach the container engine: %w", err)
	}
	engine, err := shared.docker.ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		return 0, fmt.Errorf("reach the container engine: %w", err)
	}
	shared.image = cmp.Or(os.Getenv("RXVIGIL_TEST_IMAGE"), "postgres:17-alpine")
	fmt.Printf("using image %s on container engine %s\n", shared.image, engine.Version)

	code := m.Run()
	_ = shared.docker.Close()
	if code == 0 {
		err = goleak.Find()
	}
	return code, err
}

// quiet keeps the library's life-cycle lines out of the stories.
type quiet struct{}

func (quiet) Printf(string, ...any) {}
