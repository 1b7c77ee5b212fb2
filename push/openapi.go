package push

import (
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push/schema"
)

const schemaPrefix = "#/components/schemas/"

// newSchemas is an empty set that knows the nouns that write themselves.
func newSchemas() *schema.Set {
	return schema.New(schemaPrefix, map[reflect.Type]schema.Schema{
		reflect.TypeFor[rxvigil.Number](): {"type": []string{"number", "null"}, "description": "exact, in plain notation; null: not known"},
		reflect.TypeFor[rxvigil.Value]():  {"type": []string{"number", "string", "boolean", "null"}},
		reflect.TypeFor[rxvigil.Facts](): {
			"type": []string{"object", "null"}, "additionalProperties": schema.Schema{"type": []string{"number", "string", "boolean", "null"}},
		},
		reflect.TypeFor[rxvigil.Branch](): {"type": []string{"string", "null"}, "description": "null: of the tenant as a whole"},
	})
}

// openAPI answers GET /api/openapi.json.
func (s *Server) openAPI(w http.ResponseWriter, _ *http.Request) {
	document, _ := s.document()
	writeJSON(w, http.StatusOK, document)
}

// document is the OpenAPI 3.1 document of the doors, made from their table and the Go types that they read and write.
func (s *Server) document() (schema.Schema, *schema.Set) {
	set := newSchemas()
	problems := set.Of(reflect.TypeFor[problem]())
	paths := schema.Schema{}
	for _, r := range s.table() {
		at, _ := paths[r.path].(schema.Schema)
		if at == nil {
			at = schema.Schema{}
			paths[r.path] = at
		}
		at[methods[r.method]] = r.operation(set, problems)
	}
	document := schema.Schema{
		"openapi": "3.1.0",
		"info": schema.Schema{
			"title": "rxvigil", "version": s.Vitals.Vitals().Version,
			"description": "Events and alerts of pharmacies, as their databases commit them. Errors are problem documents (RFC 9457) with a stable type.",
		},
		"paths": paths,
		"components": schema.Schema{
			"schemas":         set.Named,
			"securitySchemes": schema.Schema{"bearer": schema.Schema{"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
		},
	}
	if s.Gate != nil {
		document["security"] = []schema.Schema{{"bearer": []string{}}}
	}
	return document, set
}

//nolint:gochecknoglobals // never written
var (
	methods  = map[string]string{"GET": "get", "POST": "post", "PUT": "put", "DELETE": "delete"}
	pathName = regexp.MustCompile(`\{(\w+)\}`)
)

func (r *route) operation(set *schema.Set, problems schema.Schema) schema.Schema {
	o := schema.Schema{"summary": r.about, "responses": r.responses(set, problems)}
	parameters := []schema.Schema{}
	for _, m := range pathName.FindAllStringSubmatch(r.path, -1) {
		parameters = append(parameters, schema.Schema{"name": m[1], "in": "path", "required": true, "schema": schema.Schema{"type": "string"}})
	}
	for _, p := range r.query {
		parameters = append(parameters, schema.Schema{"name": p.name, "in": "query", "description": p.about, "schema": schema.Schema{"type": "string"}})
	}
	if len(parameters) > 0 {
		o["parameters"] = parameters
	}
	if r.body != nil {
		o["requestBody"] = schema.Schema{"content": content("application/json", optional(set, reflect.TypeOf(r.body)))}
	}
	if r.open {
		o["security"] = []schema.Schema{}
	}
	return o
}

// optional describes what is sent to us: nothing in it must be there, for the empty body is the zero value.
func optional(set *schema.Set, t reflect.Type) schema.Schema {
	ref := set.Of(t)
	delete(set.Named[schema.Name(t)], "required")
	return ref
}

func (r *route) responses(set *schema.Set, problems schema.Schema) schema.Schema {
	out := schema.Schema{}
	for _, status := range slices.Sorted(maps.Keys(r.gives)) {
		answer := schema.Schema{"description": http.StatusText(status)}
		if v := r.gives[status]; v != nil {
			answer["content"] = content("application/json", set.Of(reflect.TypeOf(v)))
		}
		out[strconv.Itoa(status)] = answer
	}
	switch {
	case r.streams != "":
		out["200"] = schema.Schema{"description": "a stream that does not end by itself", "content": content(r.streams, schema.Schema{"type": "string"})}
	case len(r.gives) == 0 && r.path == tenantPath+"/ws":
		out["101"] = schema.Schema{"description": "a WebSocket"}
	case len(r.gives) == 0:
		out["200"] = schema.Schema{"description": "OK"}
	}
	out["default"] = schema.Schema{"description": "a problem document", "content": content("application/problem+json", problems)}
	return out
}

func content(typ string, of schema.Schema) schema.Schema {
	return schema.Schema{typ: schema.Schema{"schema": of}}
}

// WireTypes declares in TypeScript what the API answers and what streams tell, for portal/client/wire.d.ts.
func (s *Server) WireTypes() string {
	_, set := s.document()
	_, streams := s.asyncDocument()
	maps.Copy(set.Named, streams.Named)
	return "// Made from the Go types by: go test ./push -run WireTypes -update. Changes here are lost.\n\n" + set.TypeScript()
}
