package push

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rxvigil/rxvigil"
)

// hub is what one SignalR connection is about.
type hub struct {
	name   string
	topics []rxvigil.Topic
}

// hubNamed finds a hub: one a topic, and those that the deployed portals know besides. test is for trying things.
func hubNamed(name string) (hub, bool) {
	switch {
	case slices.Contains(rxvigil.Topics(), rxvigil.Topic(name)):
		return hub{name, []rxvigil.Topic{rxvigil.Topic(name)}}, true
	case name == "pharmacy":
		return hub{name, []rxvigil.Topic{rxvigil.Prescriptions, rxvigil.Patients}}, true
	case name == "test":
		return hub{name, rxvigil.Topics()}, true
	}
	return hub{}, false
}

// DeployedHubPaths are the paths that the portals in use call, besides /hubs/{hub}.
func DeployedHubPaths() map[string]string {
	return map[string]string{
		"/notificationHub": "notifications", "/inventoryHub": "inventory", "/pharmacyHub": "pharmacy", "/salesHub": "sales", "/testHub": "test",
	}
}

// CheckHubs refuses a path that cannot be a hub's, and a hub or a transport that there is not.
func CheckHubs(paths map[string]string, offered []string) error {
	for _, name := range offered {
		if !slices.Contains(HubTransports(), name) {
			return fmt.Errorf("push.hub_transports: %q is none of %s", name, strings.Join(HubTransports(), ", "))
		}
	}
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		if !strings.HasPrefix(path, "/") || len(path) < 2 || strings.HasSuffix(path, "/") || strings.ContainsAny(path, " {}?#") ||
			slices.ContainsFunc([]string{"/api", "/hubs", "/assets", "/client"}, func(ours string) bool {
				return path == ours || strings.HasPrefix(path, ours+"/")
			}) {
			return fmt.Errorf("push.hub_paths: %q is no path for a hub: write it as /notificationHub", path)
		}
		if _, ok := hubNamed(paths[path]); !ok {
			return fmt.Errorf("push.hub_paths: %s: %q is none of %s, pharmacy, test", path, paths[path], joined(rxvigil.Topics()))
		}
	}
	return nil
}

func joined(topics []rxvigil.Topic) string {
	names := make([]string, len(topics))
	for i, t := range topics {
		names[i] = string(t)
	}
	return strings.Join(names, ", ")
}

// hubPaths is every path with its hub.
func (o *Options) hubPaths() map[string]hub {
	paths := map[string]hub{}
	add := func(path, name string) {
		if h, ok := hubNamed(name); ok {
			paths[path] = h
		}
	}
	for path, name := range o.HubPaths {
		add(path, name)
	}
	for _, t := range rxvigil.Topics() {
		add("/hubs/"+string(t), string(t))
	}
	add("/hubs/pharmacy", "pharmacy")
	add("/hubs/test", "test")
	return paths
}

// narrowed is what a client asks for of a hub: some of its topics (none named: all), some types, a branch. The filter is what its
// cursor takes: alerts about stock are notifications, and are told on the inventory hub too.
func (h hub) narrowed(topics, types []string, branch string) (hub, Filter, error) {
	f, err := newFilter(topics, types, branch)
	if err != nil {
		return h, f, err
	}
	for _, t := range f.Topics {
		if !slices.Contains(h.topics, t) {
			return h, f, fmt.Errorf("topic %.40q is not one of this hub's: %s", t, joined(h.topics))
		}
	}
	if f.Topics == nil {
		f.Topics = h.topics
	}
	h.topics = f.Topics
	if slices.Contains(h.topics, rxvigil.Inventory) && !slices.Contains(h.topics, rxvigil.Notifications) {
		f.Topics = append(slices.Clone(h.topics), rxvigil.Notifications)
	}
	return h, f, nil
}

// within refuses a hub of which the caller may hear nothing, and a branch that is not the caller's. What of the rest may be heard is
// looked at with each event: rights change while a connection lives.
func (h hub) within(who *rights, f Filter) error {
	if who != nil && !slices.ContainsFunc(h.topics, who.hears) {
		return forbidden("the hub " + h.name + " is not granted to the role " + who.Role)
	}
	return who.limit(Filter{Branch: f.Branch})
}
