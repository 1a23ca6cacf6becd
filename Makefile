# make            the program, build/polylog
# make web        the web app, web/dist; make web-test checks its types and tests its library
# make browser    the web app in Chromium against the program, screenshots in build/screenshots
# make run        install what is missing, build, serve http://localhost:8080 with data in ./data
#                                                         ARGS="--listen :8080 --open"
# make test       install what is missing, run every test STAGES="check browser"
# make check      what a change must pass: style, and the C tests plain and under sanitizers
# make style      format, layers, headers alone, symbols, sizes, generated documents
# make unit       the C tests of this variant only        T=substring  SEED=n  SEEDS=n
# make bench      every figure that the design promises, beside the floor; 8 minutes
# make fuzz       every fuzz target for FUZZ_S seconds (clang); make fuzz FUZZ=json for one
# make bench-store  what the SQLite store alone reaches   ARGS="n=1000000 window=1"
# make bench-nodes  what a second node costs, over a real Redis; 4 minutes
# make bench-crowds  what many readers at several nodes see, and those of a node that dies
# make scale      what several nodes cost each other, counted in the simulator
# make docs       what is made from tables: docs/polylog.1, docs/protocol.md, web/src/lib/protocol.gen.ts
# make install    into DESTDIR and PREFIX
# make install-deps  what build and tests need (Debian)
# Variants:       CC=clang  SAN=address,undefined  SAN=thread  O=0  WERROR=1
comma   := ,
CC      := $(if $(filter default,$(origin CC)),cc,$(CC))
O       ?= 2
SAN     ?=
FUZZ_S  ?= 10
PREFIX  ?= /usr/local
J       := -j$(shell nproc)
V       := $(notdir $(CC))$(if $(SAN),-$(subst $(comma),+,$(SAN)))-O$(O)$(if $(WERROR),-werror)
B       := build/$(V)

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
        -Wvla -Wpointer-arith -Wcast-qual -Wcast-align -Wwrite-strings -Wundef -Wformat=2 \
        -Wconversion -Wsign-conversion -Wimplicit-fallthrough -Wswitch-enum -Wdouble-promotion
HARD := -fno-strict-aliasing -fno-common -fstack-protector-strong -fstack-clash-protection \
        -fcf-protection -ftrivial-auto-var-init=zero \
        $(if $(filter clang%,$(notdir $(CC))),-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang) \
        $(if $(SAN),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
CFLAGS_ALL := -std=gnu17 -O$(O) -g -fno-omit-frame-pointer -fPIE -pthread -Isrc -Itests -I$(B)/gen \
        -D_GNU_SOURCE -MMD -MP $(WARN) $(if $(WERROR),-Werror) $(HARD) \
        $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all) $(CFLAGS)
LDFLAGS_ALL := -pie -pthread -Wl,-z,relro,-z,now $(if $(SAN),-fsanitize=$(SAN)) $(LDFLAGS)
LIBS := -lcurl -lhiredis -lsqlite3 -lssl -lcrypto -lsodium -lz -lutf8proc

SRC   := $(sort $(wildcard src/*/*.c))
TESTS := $(sort $(wildcard tests/unit/test_*.c tests/contract/test_*.c tests/sim/test_*.c \
           tests/crash/test_*.c))
TLIB  := $(sort $(wildcard tests/lib/*.c))
HDRS  := $(sort $(wildcard src/*/*.h tests/lib/*.h))
OBJ   := $(SRC:%.c=$(B)/%.o)
BIN   := $(TESTS:tests/%.c=$(B)/tests/%)

all: build/polylog
build/polylog: $(B)/polylog
	@cp -f $< $@.new && mv -f $@.new $@

$(B)/polylog: $(B)/src/main.o $(B)/libpolylog.a
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)
$(B)/libpolylog.a: $(OBJ)
	@rm -f $@
	@ar rcs $@ $^
$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -c -o $@ $<
$(B)/tests/%: $(B)/tests/%.o $(TLIB:%.c=$(B)/%.o) $(B)/libpolylog.a
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS) -lcmocka

# The web app in web/dist, and its files as a table for src/server/assets.c.
WEB_SRC := $(shell find web -name node_modules -prune -o -path web/dist -prune -o -path web/test -prune \
             -o -type f -print)
NEEDS   = @command -v $(1) >/dev/null || { echo "$(1) is missing: run 'make install-deps'" >&2; exit 1; }
web: web/dist/index.html
web/dist/index.html: $(WEB_SRC) web/node_modules/.package-lock.json
	$(call NEEDS,node)
	node web/build.mjs
web-test: web/node_modules/.package-lock.json
	@cd web && node_modules/.bin/tsc -p tsconfig.json && node_modules/.bin/tsc -p test/tsconfig.json
	@node web/test/run.mjs
browser: build/polylog tests/browser/node_modules/.package-lock.json
	@tests/browser/run "$(T)"
emulators: build/polylog $(addprefix $(B)/tests/contract/,test_store test_store_random)
	@CONTRACT=$(abspath $(B)/tests/contract) tests/emulators/run "$(T)"
%/node_modules/.package-lock.json: %/package-lock.json
	$(call NEEDS,npm)
	@cd $* && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
$(B)/gen/assets.gen.inc: web/dist/index.html tools/embed-assets
	@tools/embed-assets web/dist $@
$(B)/src/server/assets.o: $(B)/gen/assets.gen.inc

unit: $(BIN)
	@tools/run-c-tests $(BIN)

bench-store: $(B)/bench/store_bench
	@rm -rf build/bench-store
	$< build/bench-store $(ARGS)
# What several nodes cost each other, counted in the simulator: docs/scale.md.
scale: $(B)/bench/scale_sim
	$< $(ARGS)
$(B)/bench/scale_sim: $(B)/bench/scale_sim.o $(TLIB:%.c=$(B)/%.o) $(B)/libpolylog.a
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS) -lcmocka
# Several nodes; DynamoDB's model answers behind HTTP.
bench-nodes bench-crowds: bench-%: build/polylog $(B)/bench/dynamo_serve
	$(call NEEDS,node)
	node bench/$*.mjs
$(B)/bench/dynamo_serve: $(B)/bench/dynamo_serve.o $(TLIB:%.c=$(B)/%.o) $(B)/libpolylog.a
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS) -lcmocka
$(B)/bench/store_bench: $(B)/bench/store_bench.o $(B)/libpolylog.a
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

# Each target starts from its corpus of good and bad inputs in tests/fuzz/corpus;
# what it finds on the way stays in build/fuzz, a crash in build/fuzz/crash-*.
FUZZ := $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
fuzz:
	@$(MAKE) -s $(J) --no-print-directory CC=clang O=1 SAN=address,undefined,fuzzer-no-link \
	    LDFLAGS=-fsanitize=fuzzer $(FUZZ:%=fuzz-%)
fuzz-%: $(B)/tests/fuzz/fuzz_%
	@mkdir -p build/fuzz/$*
	@$< -max_total_time=$(FUZZ_S) -max_len=8192 -timeout=10 -artifact_prefix=build/fuzz/ \
	    build/fuzz/$* tests/fuzz/corpus/$* >build/fuzz/$*.log 2>&1 || \
	    { grep -v '# Uses: ' build/fuzz/$*.log | tail -50; exit 1; }
	@echo "# fuzz_$*: $$(grep '^Done' build/fuzz/$*.log)"

# Each header compiles alone, first, and twice.
headers: $(HDRS:%=$(B)/%.alone)
$(B)/%.h.alone: %.h
	@mkdir -p $(@D)
	@printf '#include "%s"\n#include "%s"\n' $(patsubst src/%,%,$(patsubst tests/%,%,$<)) \
	    $(patsubst src/%,%,$(patsubst tests/%,%,$<)) | \
	    $(CC) $(filter-out -MMD -MP,$(CFLAGS_ALL)) -Werror -fsyntax-only -xc -
	@touch $@

# What is made from the tables, into $(B)/docs; `docs` takes it over, `style` compares.
TOOLS := $(B)/tools/gen-man $(B)/tools/gen-protocol
$(TOOLS): $(B)/tools/%: $(B)/tools/%.o $(B)/libpolylog.a
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)
GENERATED := docs/polylog.1 docs/protocol.md web/src/lib/protocol.gen.ts
generated: $(TOOLS)
	@mkdir -p $(B)/made/docs $(B)/made/web/src/lib
	@$(B)/tools/gen-man >$(B)/made/docs/polylog.1
	@$(B)/tools/gen-protocol docs/protocol.md >$(B)/made/docs/protocol.md
	@$(B)/tools/gen-protocol >$(B)/made/web/src/lib/protocol.gen.ts
docs: generated
	@for f in $(GENERATED); do cmp -s $(B)/made/$$f $$f || { cp $(B)/made/$$f $$f; echo "made $$f"; }; done
docs-check: generated
	@for f in $(GENERATED); do diff -u $$f $(B)/made/$$f || { echo "$$f is old: make docs"; exit 1; }; done
	$(call NEEDS,node)
	@node bench/scale_cost.mjs --check docs/scale.md

FORMAT := $(sort $(wildcard src/*.c src/*/*.[ch] tests/*/*.[ch] bench/*.[ch] tools/*.[ch]))
format:
	@bad=0; for f in $(FORMAT); do clang-format $$f | cmp -s - $$f || \
	    { echo "$$f: run clang-format -i"; bad=1; }; done; exit $$bad
style: $(OBJ) $(B)/src/main.o
	@tools/run-stages -1 format '$(MAKE) -s format' headers '$(MAKE) -s $(J) headers' \
	    layers tools/check-layers system tools/check-system symbols 'tools/check-symbols $(B)' \
	    size tools/check-size checks tools/test-checks documents '$(MAKE) -s docs-check'

# The sanitizers look at fewer seeds of each simulation.
SOME_SEEDS := SEEDS=$(or $(SEEDS),5)
check:
	@tools/run-stages style '$(MAKE) -s $(J) style WERROR=1' \
	    plain '$(MAKE) -s $(J) unit WERROR=1' \
	    address,undefined '$(SOME_SEEDS) $(MAKE) -s $(J) unit WERROR=1 CC=clang O=1 SAN=address,undefined' \
	    thread '$(SOME_SEEDS) $(MAKE) -s $(J) unit WERROR=1 CC=clang O=1 SAN=thread'

install-deps:
	@tools/setup build test
	@$(MAKE) -s npm
npm: $(patsubst %/package.json,%/node_modules/.package-lock.json,$(wildcard web/package.json tests/package.json))

run:
	@tools/setup build
	@[ -e build/polylog ] || echo "run: building; the first time takes a minute"
	@$(MAKE) -s $(J) all
	@build/polylog serve $(ARGS)

test:
	@tools/setup build test
	@$(MAKE) -s $(J) npm all WERROR=1
	@MAKE='$(MAKE)' tools/run-tests

# The design's figures beside the floor's: build/bench/table.md   SCENARIO='room pairs'
bench: all
	node bench/run.mjs $(SCENARIO)

install: all
	install -D -m 755 build/polylog $(DESTDIR)$(PREFIX)/bin/polylog
	install -D -m 644 docs/polylog.1 $(DESTDIR)$(PREFIX)/share/man/man1/polylog.1

clean:
	rm -rf build
.SECONDARY:
.PHONY: bench-store bench-nodes bench-crowds scale all web web-test emulators unit fuzz headers generated docs docs-check format \
        style check install-deps npm run test bench install clean
-include $(shell find $(B) -name '*.d' 2>/dev/null)
