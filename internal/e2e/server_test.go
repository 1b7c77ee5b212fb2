//go:build e2e

package e2e

import (
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"github.com/rxvigil/rxvigil/internal/pharmacy"
)

// server is a Postgres in a container of its own, with the sample pharmacies in it.
type server struct {
	t        *testing.T
	box      *testcontainers.DockerContainer
	password string
	dsn      string // through the published port
}

// patience is for everything that must happen and takes as long as the machine is busy.
const patience = 90 * time.Second

func startServer(t *testing.T) *server {
	t.Helper()
	s := &server{t: t, password: rand.Text()}
	// A port of our own choice: one that the engine chooses changes with each restart.
	addr := freeAddr(t)
	s.dsn = s.at(addr)
	box, err := testcontainers.Run(t.Context(), shared.image,
		testcontainers.WithEnv(map[string]string{"POSTGRES_PASSWORD": s.password, "POSTGRES_DB": "pharmacy"}),
		testcontainers.WithExposedPorts("5432/tcp"),
		testcontainers.WithCmd("postgres", "-c", "wal_level=logical", "-c", "max_connections=60"),
		testcontainers.WithConfigModifier(func(c *container.Config) { c.StopSignal = "SIGINT" }), // a fast shutdown
		testcontainers.WithHostConfigModifier(func(c *container.HostConfig) { c.PortBindings = publish(addr) }),
	)
	t.Cleanup(func() {
		if err := testcontainers.TerminateContainer(box, testcontainers.StopTimeout(0)); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatalf("start %s: %v", shared.image, err)
	}
	s.box = box
	s.answers()
	if err := pharmacy.Load(t.Context(), s.dsn); err != nil {
		t.Fatal(err)
	}
	s.exec(`UPDATE tenants SET zone = $1`, noon(time.Now()))
	return s
}

// noon is a zone in which it is about noon: no day ends, and no scan is due, in the middle of a story.
func noon(now time.Time) string { return fmt.Sprintf("Etc/GMT%+d", now.UTC().Hour()-12) }

// at is the URL of the database at an address.
func (s *server) at(addr string) string {
	return fmt.Sprintf("postgres://postgres:%s@%s/pharmacy?sslmode=disable", s.password, addr)
}

func publish(addr string) network.PortMap {
	a := netip.MustParseAddrPort(addr)
	return network.PortMap{network.MustParsePort("5432/tcp"): {{HostIP: a.Addr(), HostPort: fmt.Sprint(a.Port())}}}
}

// freeAddr finds a free port below those that the system gives to outgoing connections: one of these could take it while the
// server is down.
func freeAddr(t *testing.T) string {
	t.Helper()
	for range 100 {
		ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20_000+mathrand.IntN(12_000)))
		if err != nil {
			continue
		}
		defer func() { _ = ln.Close() }()
		return ln.Addr().String()
	}
	t.Fatal("no port is free")
	return ""
}

// answers waits until the server takes queries over TCP, which the public image's first, preparing server does not.
func (s *server) answers() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.dsn)
		if err == nil {
			_ = conn.Close(ctx)
			return
		}
		select {
		case <-ctx.Done():
			s.t.Fatalf("the server does not answer: %v", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// restart is docker restart.
func (s *server) restart() {
	s.t.Helper()
	_, err := shared.docker.ContainerRestart(s.t.Context(), s.box.GetContainerID(), client.ContainerRestartOptions{})
	s.must(err)
	s.answers()
}

// stop is docker stop, which kills what does not end within ten seconds; it gives the exit code.
func (s *server) stop() int {
	s.t.Helper()
	_, err := shared.docker.ContainerStop(s.t.Context(), s.box.GetContainerID(), client.ContainerStopOptions{})
	s.must(err)
	state, err := s.box.State(s.t.Context())
	s.must(err)
	return state.ExitCode
}

// kill ends every process of the server at once, as a power cut would.
func (s *server) kill() {
	s.t.Helper()
	ended := shared.docker.ContainerWait(s.t.Context(), s.box.GetContainerID(), client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	_, err := shared.docker.ContainerKill(s.t.Context(), s.box.GetContainerID(), client.ContainerKillOptions{Signal: "KILL"})
	s.must(err)
	select {
	case <-ended.Result:
	case err := <-ended.Error:
		s.must(err)
	}
}

// start starts what was stopped or killed.
func (s *server) start() {
	s.t.Helper()
	_, err := shared.docker.ContainerStart(s.t.Context(), s.box.GetContainerID(), client.ContainerStartOptions{})
	s.must(err)
	s.answers()
}

// freeze stops the server's processes where they stand: its kernel goes on acknowledging what is sent. On cgroup v1 a busy
// machine's runtime may give up with "unable to freeze", and leaves the container running: then it is asked again.
func (s *server) freeze() {
	s.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		_, err := shared.docker.ContainerPause(s.t.Context(), s.box.GetContainerID(), client.ContainerPauseOptions{})
		if err == nil || time.Now().After(deadline) || !strings.Contains(err.Error(), "unable to freeze") {
			s.must(err)
			return
		}
		s.t.Log(err)
	}
}

func (s *server) thaw() {
	s.t.Helper()
	_, err := shared.docker.ContainerUnpause(s.t.Context(), s.box.GetContainerID(), client.ContainerUnpauseOptions{})
	s.must(err)
}

func (s *server) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// exec runs SQL on a connection of its own.
func (s *server) exec(sql string, args ...any) {
	s.t.Helper()
	s.with(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, sql, args...)
		return err
	})
}

// texts runs a query whose rows are one text each.
func (s *server) texts(sql string, args ...any) (all []string) {
	s.t.Helper()
	s.with(func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		all, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return all
}

func (s *server) with(do func(context.Context, *pgx.Conn) error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.dsn)
	s.must(err)
	defer func() { _ = conn.Close(ctx) }()
	s.must(do(ctx, conn))
}
