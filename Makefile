# make alone prints what there is.

GO         ?= go
CONFIG     ?= rxvigil.yaml
FUZZTIME   ?= 30s
PLAYWRIGHT := 1.65.1
DENO       := 2.5.6
TYPESCRIPT := 7.0.2
SIGNALR    := 8.0.29 10.0.11
REACT      := 19.2.0
REACT_TYPES := 19.2.2
VITE       := 6.4.1
AXE        := 4.11.0

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOFUMPT     := mvdan.cc/gofumpt@v0.12.0
GOLANGCI    := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## a private Postgres, a busy sample pharmacy, the engine and its dashboard; Ctrl-C leaves nothing behind
	@.ci/prepare postgres
	@$(GO) run ./cmd/rxvigil demo

.PHONY: run
run: ## the service, with CONFIG=rxvigil.yaml
	@$(GO) run ./cmd/rxvigil run --config $(CONFIG)

.PHONY: build
build: ## bin/rxvigil
	$(GO) build -trimpath -o bin/rxvigil ./cmd/rxvigil

.PHONY: test
test: ## everything, with the race detector; fetches a Postgres, a browser and playwright when they are missing
	@.ci/prepare
	@$(GO) test -count=1 -v -run '^TestDatabasesAreApart$$' ./internal/pgtest | grep -E '^(using|FAIL|ok)'
	$(GO) test -race -timeout 18m ./...
	@if command -v node >/dev/null; then node --test $(addprefix portal/testdata/,$(addsuffix .test.mjs,client replay tabs optimistic socket)); else echo "no node: the portal client is not tested"; fi

VERSIONS ?= 14 15 16 17 18
SKIP     ?= Dashboard

.PHONY: matrix
matrix: ## what meets a database, on each server of VERSIONS="14 15 16 17 18"; fetches them; FLAGS=-short draws fewer workloads, SKIP=… leaves tests out
	@for v in $(VERSIONS); do \
		bin=$$(.ci/server $$v); \
		RXVIGIL_PGBIN=$$bin $(GO) test -count=1 -v -run '^TestDatabasesAreApart$$' ./internal/pgtest | grep -E '^(using|FAIL|ok)'; \
		RXVIGIL_PGBIN=$$bin $(GO) test -count=1 -timeout 20m $(FLAGS) -skip '$(SKIP)' ./cdc/... ./migrations ./rules/pgstore ./cmd/rxvigil; \
	done

.PHONY: e2e
e2e: ## the shipped binary against a Postgres in a container that is restarted, frozen, cut off and killed
	@.ci/e2e

.PHONY: fuzz
fuzz: ## every fuzz test, FUZZTIME=30s each; those of FUZZIN="./cdc ./day_test.go" alone
	@grep -l --include='*_test.go' -r '^func Fuzz' $(or $(FUZZIN),.) | sort -u | while read -r file; do \
		grep -o '^func Fuzz[A-Za-z0-9_]*' "$$file" | while read -r _ name; do \
			echo "$$name in $$(dirname "$$file")"; \
			$(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$(dirname "$$file")" </dev/null; \
		done; \
	done

.PHONY: bench
bench: ## throughput against a raw read, CPU and allocations a row, commit to viewer latency, boot
	@$(GO) test -run '^$$' -bench Row ./cdc
	@$(GO) test -run '^$$' -bench Delivery -benchtime 1x ./push
	@$(GO) test -run '^$$' -bench . -benchtime 3x -timeout 30m ./cmd/rxvigil

.PHONY: check
check: .cache/node ## what needs no database: vet, format, go fix, staticcheck, the walls of the house, JavaScript types
	$(GO) vet ./...
	@files=$$($(GO) run $(GOFUMPT) -l .); [ -z "$$files" ] || { echo "not gofumpt'ed:"; echo "$$files"; exit 1; }
	@fixes=$$($(GO) fix -diff ./...) || true; [ -z "$$fixes" ] || { echo "$$fixes"; echo "run: go fix ./..."; exit 1; }
	$(GO) run $(STATICCHECK) ./...
	$(GO) test -run 'House|Wall' .
	@if [ -x .cache/node/node_modules/.bin/tsc ]; then .cache/node/node_modules/.bin/tsc -p portal/testdata/tsconfig.json; fi

.PHONY: lint
lint: ## the long list of .golangci.yml; the first time builds the linter, for some minutes
	$(GO) run $(GOLANGCI) run

# playwright-core drives the browser of the machine; it brings none of its own. Microsoft's SignalR client is there once a major version,
# as signalr8 and so on. React, Vite, Deno and axe-core are what the portal client is tested with.
NODE_MODULES := playwright-core@$(PLAYWRIGHT) deno@$(DENO) typescript@$(TYPESCRIPT) react@$(REACT) react-dom@$(REACT) @types/react@$(REACT_TYPES) \
	vite@$(VITE) axe-core@$(AXE) $(foreach v,$(SIGNALR),signalr$(firstword $(subst ., ,$(v)))@npm:@microsoft/signalr@$(v))
NODE_STAMP := .cache/node/$(shell printf '%s' '$(NODE_MODULES)' | cksum | cut -d' ' -f1)
.PHONY: .cache/node
.cache/node: $(NODE_STAMP)
$(NODE_STAMP):
	@if command -v npm >/dev/null; then \
		mkdir -p .cache/node && rm -rf .cache/node/*; \
		npm install --silent --no-audit --no-fund --prefix .cache/node $(NODE_MODULES) && touch $@; \
	else echo "no npm: playwright and tsc are left out"; fi

.PHONY: package
package: .cache/node ## the portal client as an npm package, in bin/
	@rm -rf .cache/package && mkdir -p .cache/package/types bin
	@cp portal/client/*.js portal/client/*.json portal/client/README.md LICENSE .cache/package/
	@cp portal/client/*.d.ts .cache/package/types/
	@.cache/node/node_modules/.bin/tsc -p portal/testdata/tsconfig.package.json
	@cd .cache/package && npm pack --silent --pack-destination ../../bin

.PHONY: pictures
pictures: .cache/node ## docs/pictures anew: what the pages look like, taken by their tests
	@mkdir -p docs/pictures .cache/shots
	@SHOTS=$(CURDIR)/.cache/shots RXVIGIL_SHOT=$(CURDIR)/docs/pictures/report.png $(GO) test -count=1 -run 'TestDashboard|TestTheReport|TestTheOtherViews' ./cmd/rxvigil
	@cd .cache/shots && cp 2-why.png ../../docs/pictures/dashboard.png && cp 5-dark.png ../../docs/pictures/dark.png && cp 6-phone.png ../../docs/pictures/phone.png && \
		cp amharic.png calendar.png medicine.png rules.png ../../docs/pictures/
