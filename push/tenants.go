package push

import "net/http"

// tenants answers GET /api/tenants. It reaches every tenant: there is no auth yet, so only this machine hears it.
func (s *Server) tenants(w http.ResponseWriter, _ *http.Request) {
	head, started := s.Log.Head()
	if !started {
		writeProblem(w, problemStarting)
		return
	}
	all := s.Directory.Tenants()
	for i := range all {
		all[i] = all[i].shown()
	}
	writeJSON(w, http.StatusOK, newPage(all, "", head))
}

// tenant answers GET /api/tenant/{tenant}.
func (s *Server) tenant(c call) (int, any, error) {
	return http.StatusOK, c.tenant.shown(), nil
}

// shown is the tenant with a list of branches, be it empty.
func (t Tenant) shown() Tenant {
	if t.Branches == nil {
		t.Branches = []Branch{}
	}
	return t
}
