//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// wire is a network of its own between the engine and the server: when it is cut, packets vanish and nobody is told, while
// the app works on over the published port.
type wire struct {
	server *server
	id     string
	addr   netip.Addr
}

// lay makes the network and gives the server an address on it.
func (w *wire) lay(s *server) string {
	s.t.Helper()
	w.server = s
	subnet := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 213, byte(rand.IntN(256)), byte(rand.IntN(32) * 8)}), 29)
	w.addr = subnet.Addr().Next().Next() // the next one is the gateway
	made, err := shared.docker.NetworkCreate(s.t.Context(), "rxvigil-"+subnet.Addr().String(), client.NetworkCreateOptions{
		Driver: "bridge", Internal: true, Labels: testcontainers.GenericLabels(),
		IPAM: &network.IPAM{Config: []network.IPAMConfig{{Subnet: subnet}}},
	})
	s.must(err)
	w.id = made.ID
	s.t.Cleanup(func() {
		_, _ = shared.docker.NetworkDisconnect(context.Background(), w.id, client.NetworkDisconnectOptions{Container: s.box.GetContainerID(), Force: true})
		if _, err := shared.docker.NetworkRemove(context.Background(), w.id, client.NetworkRemoveOptions{}); err != nil {
			s.t.Error(err)
		}
	})
	w.mend()
	return s.at(fmt.Sprintf("%s:5432", w.addr))
}

func (w *wire) cut() {
	w.server.t.Helper()
	_, err := shared.docker.NetworkDisconnect(context.Background(), w.id, client.NetworkDisconnectOptions{
		Container: w.server.box.GetContainerID(), Force: true,
	})
	if err != nil {
		w.server.t.Error(err)
	}
}

func (w *wire) mend() {
	w.server.t.Helper()
	_, err := shared.docker.NetworkConnect(w.server.t.Context(), w.id, client.NetworkConnectOptions{
		Container:      w.server.box.GetContainerID(),
		EndpointConfig: &network.EndpointSettings{IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: w.addr}},
	})
	w.server.must(err)
}

func TestACutNetworkIsToldAndCostsNothing(t *testing.T) {
	var w wire
	s := setup(t, w.lay)
	home := s.work()
	for range 2 {
		s.busy()
		cut := time.Now()
		w.cut()
		for _, v := range s.views {
			reason := v.hears("stale")
			t.Logf("stale was told after %v: %s", time.Since(cut).Round(time.Second), reason)
		}
		w.mend()
		mended := time.Now()
		for _, v := range s.views {
			v.hears("fresh")
		}
		t.Logf("fresh was told %v after the network was back", time.Since(mended).Round(time.Millisecond))
	}
	s.busy()
	home()
	s.check()
}
