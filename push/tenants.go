package push

import "net/http"

// tenants answers GET /api/tenants: those that the caller may see.
func (s *Server) tenants(w http.ResponseWriter, r *http.Request) {
	who, ok := s.who(w, r)
	if !ok {
		return
	}
	head, started := s.Log.Head()
	if !started {
		writeProblem(w, problemStarting)
		return
	}
	var shown []Tenant
	for _, t := range s.Directory.Tenants() {
		if s.ofTenant(who, t.ID) {
			shown = append(shown, t.shown(who))
		}
	}
	writeJSON(w, http.StatusOK, newPage(shown, "", head))
}

// tenant answers GET /api/tenant/{tenant}.
func (s *Server) tenant(c call) (int, any, error) {
	return http.StatusOK, c.tenant.shown(c.who), nil
}

// shown is the tenant with a list of the branches that the caller may see, be it empty.
func (t Tenant) shown(who *rights) Tenant {
	branches := []Branch{}
	for _, b := range t.Branches {
		if who.in(b.ID) {
			branches = append(branches, b)
		}
	}
	t.Branches = branches
	return t
}
