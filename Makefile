# make            the program, build/polylog
# make web        the web app, web/dist; make web-test checks its types and tests its library
# make browser    the web app in Chromium against the program, screenshots in build/screenshots
# make run        install what is missing, build, serve http://localhost:8080 with data in ./data
#                                                         ARGS="--listen :8080 --login password"
# make test       install what is missing, run the tests that a change must pass; 6 minutes
# make test-long  every other test: more seeds, crashes, clusters, sanitizers; an hour
#                                                         STAGES="web browser"
# make check      what a change must pass: style, and the C tests plain and under sanitizers
# make style      format, layers, headers alone, symbols, sizes, generated documents
# make unit       the C tests of this variant only        T=substring  SEED=n  SEEDS=n
# make bench      every figure that the design promises, beside the floor; 8 minutes
# make fuzz       every fuzz target for FUZZ_S seconds (clang); make fuzz FUZZ=json for one
# make bench-store  what the SQLite store alone reaches   ARGS="n=1000000 window=1"
# make bench-nodes  what a second node costs, over a real Redis; 4 minutes
# make bench-people  pages of people and rooms, messages while people log in by a password; 4 minutes
# make bench-crowds  what many readers at several nodes see, and those of a node that dies
# make scale      what several nodes cost each other, counted in the simulator
# make docs       what is made from tables: docs/polylog.1, docs/protocol.md, web/src/lib/protocol.gen.ts
# make stacks     whether the stacks of deploy/aws are as they must be, and their templates as committed
# make templates  makes deploy/aws/templates anew from the stacks
# make lambda     the chat as an AWS Lambda function, build/polylog-lambda.zip; make lambda-arm64
#                 the same for arm64, by a cross-compiler and Debian's libraries
# make unit-arm64 the unit tests as a program of arm64, under qemu    T=substring
# make install    the program, its manual page and its systemd units, into DESTDIR and PREFIX
# make deb        a package of Debian in build/deb, of the release on which it is made (debhelper);
#                 make deb-arm64 the same for arm64, by a cross-compiler and Debian's libraries
# make install-deps  what build and tests need (Debian)
# Variants:       CC=clang  SAN=address,undefined  SAN=thread  O=0  WERROR=1; V=1 shows the commands
comma   := ,
CC      := $(if $(filter default,$(origin CC)),cc,$(CC))
O       ?= 2
SAN     ?=
FUZZ_S  ?= 10
PREFIX  ?= /usr/local
UNITS   ?= $(PREFIX)/lib/systemd/system
J       := -j$(shell nproc)
VARIANT := $(notdir $(CC))$(if $(SAN),-$(subst $(comma),+,$(SAN)))-O$(O)$(if $(WERROR),-werror)
B       := build/$(VARIANT)

MACHINE := $(shell $(CC) -dumpmachine)

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
        -Wvla -Wpointer-arith -Wcast-qual -Wcast-align -Wwrite-strings -Wundef -Wformat=2 \
        -Wconversion -Wsign-conversion -Wimplicit-fallthrough -Wswitch-enum -Wdouble-promotion
HARD := -fno-strict-aliasing -fno-common -fstack-protector-strong -fstack-clash-protection \
        $(if $(findstring aarch64,$(MACHINE)),-mbranch-protection=standard,-fcf-protection) \
        -ftrivial-auto-var-init=zero \
        $(if $(filter clang%,$(notdir $(CC))),-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang) \
        $(if $(SAN),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
# Under sanitizers, which name lines only, there is no more to debug with than lines.
CFLAGS_ALL := -std=gnu17 -O$(O) -g$(if $(SAN),1) -fno-omit-frame-pointer -fPIE -pthread -Isrc -Itests -I$(B)/gen \
        -D_GNU_SOURCE -MMD -MP $(WARN) $(if $(WERROR),-Werror) $(HARD) \
        $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all) $(CFLAGS)
LDFLAGS_ALL := -pie -pthread -Wl,-z,relro,-z,now $(if $(SAN),-fsanitize=$(SAN)) $(LDFLAGS)
# Each program of tests is linked apart: with mold or lld, where the compiler has one, many times faster.
FASTER := $(firstword $(foreach l,mold lld,$(shell $(CC) -fuse-ld=$(l) -Wl,--version >/dev/null 2>&1 && echo -fuse-ld=$(l))))
LIBS := -lcurl -lhiredis -lsqlite3 -lssl -lcrypto -lsodium -lz -lutf8proc -lyaml

SRC   := $(sort $(wildcard src/*/*.c src/*/*/*.c))
TESTS := $(sort $(wildcard tests/unit/test_*.c tests/contract/test_*.c tests/sim/test_*.c \
           tests/crash/test_*.c))
# By ICU, which a sysroot of another machine does not have.
BY_ICU := tests/unit/test_confusables.c
TESTS := $(if $(findstring sysroot,$(CFLAGS)),$(filter-out $(BY_ICU),$(TESTS)),$(TESTS))
TLIB  := $(sort $(wildcard tests/lib/*.c))
HDRS  := $(sort $(wildcard src/*/*.h src/*/*/*.h tests/lib/*.h))
OBJ   := $(SRC:%.c=$(B)/%.o)
BIN   := $(TESTS:tests/%.c=$(B)/tests/%)

# Says what it makes, unless make is silent (-s) or shows each command (V=1).
QUIET := $(findstring s,$(filter-out --%,$(firstword -$(MAKEFLAGS))))
SAY   := $(if $(V)$(QUIET),@:,@printf '%s %s\n')
Q     := $(if $(V),,@)
# The file $(1) holds the text $(2): what depends on it is made again when the text changes.
HOLDS = @mkdir -p $(@D); printf '%s\n' '$(subst ','\'',$(2))' | cmp -s - $(1) || \
        printf '%s\n' '$(subst ','\'',$(2))' >$(1)

all: build/polylog
# build/polylog is of the variant that was asked for last.
build/polylog: $(B)/polylog build/variant
	@cp -f $< $@.new && mv -f $@.new $@
build/variant: FORCE
	$(call HOLDS,$@,$(VARIANT))
$(B)/flags: FORCE
	$(call HOLDS,$@,$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) $(LIBS))
FORCE:

$(B)/polylog: $(B)/src/main.o $(B)/libpolylog.a
	$(SAY) LD $@
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)
$(B)/libpolylog.a: $(OBJ)
	@rm -f $@
	@ar rcs $@ $^
# What the programs of tests share: each is linked with what it needs of it.
$(B)/libtests.a: $(TLIB:%.c=$(B)/%.o)
	@rm -f $@
	@ar rcs $@ $^
$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(SAY) CC $<
	$(Q)$(CC) $(CFLAGS_ALL) -c -o $@ $<
$(BY_ICU:%.c=$(B)/%): LIBS += -licui18n -licuuc
$(B)/tests/%: $(B)/tests/%.o $(B)/libtests.a $(B)/libpolylog.a
	$(Q)$(CC) $(LDFLAGS_ALL) $(FASTER) -o $@ $^ $(LIBS) -lcmocka

# The web app in web/dist, and its files as a table for src/server/http/assets.c.
WEB_SRC := $(shell find web -name node_modules -prune -o -path web/dist -prune -o -path web/test -prune \
             -o -type f -print)
NEEDS   = @command -v $(1) >/dev/null || { echo "$(1) is missing: run 'make install-deps'" >&2; exit 1; }
web: web/dist/index.html
web/dist/index.html: $(WEB_SRC) web/node_modules/.package-lock.json
	$(call NEEDS,node)
	node web/build.mjs
web-test: web/node_modules/.package-lock.json
	@cd web && node_modules/.bin/tsc -p tsconfig.json && node_modules/.bin/tsc -p test/tsconfig.json
	@node web/check-texts.mjs
	@node web/test/run.mjs
browser: build/polylog
	@tests/browser/run "$(T)"
stacks: build/polylog
	@tests/stacks/run "$(T)"
templates:
	$(call NEEDS,node)
	@deploy/aws/synth deploy/aws/templates
contracts: $(addprefix $(B)/tests/contract/,test_store test_store_random)
emulators: build/polylog contracts
	@CONTRACT=$(abspath $(B)/tests/contract) tests/emulators/run "$(T)"
%/node_modules/.package-lock.json: %/package-lock.json
	@tools/npm-ci $*
$(B)/gen/assets.gen.inc: web/dist/index.html tools/embed-assets
	@tools/embed-assets web/dist $@
$(patsubst %.c,$(B)/%.o,$(filter %/assets.c,$(SRC))): $(B)/gen/assets.gen.inc

# With T only the programs whose path contains it, or one of its words, are built and run.
RUN := $(foreach b,$(BIN),$(if $(or $(if $(T),,all),$(strip $(foreach t,$(T),$(findstring $(t),$(b))))),$(b)))
unit: $(RUN)
	@tools/run-c-tests $(RUN)

bench-store: $(B)/bench/store_bench
	@rm -rf build/bench-store
	$< build/bench-store $(ARGS)
# What several nodes cost each other, counted in the simulator: docs/scale.md.
scale: $(B)/bench/scale_sim
	$< $(ARGS)
$(B)/bench/scale_sim: $(B)/bench/scale_sim.o $(B)/libtests.a $(B)/libpolylog.a
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS) -lcmocka
# Several nodes; DynamoDB's model answers behind HTTP.
bench-people: build/polylog
	node bench/people.mjs
bench-nodes bench-crowds: bench-%: build/polylog $(B)/bench/dynamo_serve
	$(call NEEDS,node)
	node bench/$*.mjs
$(B)/bench/dynamo_serve: $(B)/bench/dynamo_serve.o $(B)/libtests.a $(B)/libpolylog.a
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

FORMAT := $(sort $(wildcard src/*.c src/*/*.[ch] src/*/*/*.[ch] tests/*/*.[ch] bench/*.[ch] tools/*.[ch]))
format:
	@printf '%s\n' $(FORMAT) | xargs -P $(shell nproc) -n 16 clang-format --dry-run -Werror
style: $(OBJ) $(B)/src/main.o
	@tools/run-stages -1 format '$(MAKE) -s format' headers '$(MAKE) -s $(J) headers' \
	    layers tools/check-layers circles tools/check-circles system tools/check-system symbols 'tools/check-symbols $(B)' \
	    size tools/check-size asserts tools/check-asserts names tools/check-names \
	    tables tools/check-tables attacks tools/check-attacks checks tools/test-checks makefile tools/test-makefile \
	    runners tools/test-runners documents '$(MAKE) -s docs-check'

# The sanitizers look at fewer seeds of each simulation.
SOME_SEEDS := SEEDS=$(or $(SEEDS),5)
check:
	@tools/run-stages -s style '$(MAKE) -s $(J) style WERROR=1' \
	    plain '$(MAKE) -s $(J) unit WERROR=1' \
	    address,undefined '$(SOME_SEEDS) $(MAKE) -s $(J) unit WERROR=1 CC=clang O=1 SAN=address,undefined' \
	    thread '$(SOME_SEEDS) $(MAKE) -s $(J) unit WERROR=1 CC=clang O=1 SAN=thread'

install-deps:
	@tools/setup build test
	@$(MAKE) -s npm
# What the build needs of npm; each runner of tests installs its own.
npm: web/node_modules/.package-lock.json

run:
	@tools/setup build
	@[ -e build/polylog ] || echo "run: building; the first time takes a minute"
	@$(MAKE) -s $(J) all
	@build/polylog serve --login name $(ARGS)

# The stages are listed in tests/stages.
test:
	@tools/setup build test
	@$(MAKE) -s $(J) npm all WERROR=1
	@MAKE='$(MAKE)' tools/run-tests gate
test-long:
	@tools/setup build test long
	@$(MAKE) -s $(J) npm all contracts WERROR=1
	@MAKE='$(MAKE)' tools/run-tests long

# The design's figures beside the floor's: build/bench/table.md   SCENARIO='room pairs'
bench: all
	node bench/run.mjs $(SCENARIO)

lambda: all
	$(call NEEDS,zip)
	@tools/make-lambda build/polylog
ARM64 := aarch64-linux-gnu
FOR_ARM64 := CC=$(ARM64)-gcc CFLAGS=--sysroot=$(abspath build/arm64) LDFLAGS=--sysroot=$(abspath build/arm64)
lambda-arm64:
	$(call NEEDS,zip)
	$(call NEEDS,$(ARM64)-gcc)
	@tools/arm64-root build/arm64
	@$(MAKE) $(J) $(FOR_ARM64) build/$(ARM64)-gcc-O$(O)/polylog
	@ARCH=arm64 ROOT=build/arm64 CC="$(ARM64)-gcc --sysroot=$(abspath build/arm64)" STRIP=$(ARM64)-strip \
	    OBJDUMP=$(ARM64)-objdump tools/make-lambda build/$(ARM64)-gcc-O$(O)/polylog
# Fewer seeds: emulated, a test takes about ten times as long.
unit-arm64:
	$(call NEEDS,$(ARM64)-gcc)
	$(call NEEDS,qemu-aarch64-static)
	@tools/arm64-root build/arm64
	@SEEDS=$(or $(SEEDS),1) RUNNER="qemu-aarch64-static -L $(abspath build/arm64)" \
	    $(MAKE) $(J) $(FOR_ARM64) unit T="$(or $(T),unit/)"

install: $(B)/polylog
	install -D -m 755 $< $(DESTDIR)$(PREFIX)/bin/polylog
	install -D -m 644 docs/polylog.1 $(DESTDIR)$(PREFIX)/share/man/man1/polylog.1
	@mkdir -p $(DESTDIR)$(UNITS)
	for unit in service socket; do \
	    sed 's|/usr/local/bin|$(PREFIX)/bin|' deploy/systemd/polylog.$$unit >$(DESTDIR)$(UNITS)/polylog.$$unit; \
	done
deb:
	$(call NEEDS,dh)
	@mkdir -p build/deb
	@DEB_RULES_REQUIRES_ROOT=no debian/rules binary
# What each library's own package says of it is not in this system's database.
deb-arm64:
	$(call NEEDS,dh)
	$(call NEEDS,$(ARM64)-gcc)
	@tools/arm64-root build/arm64
	@mkdir -p build/deb
	@SYSROOT=$(abspath build/arm64) DEB_RULES_REQUIRES_ROOT=no dpkg-architecture -a arm64 -c debian/rules binary

clean:
	rm -rf build
# With .SECONDARY instead, make would not make the program of a variant that is missing
# while build/polylog is newer than the sources.
.PRECIOUS: $(B)/%.o
.PHONY: FORCE deb-arm64 lambda-arm64 unit-arm64 stacks contracts templates lambda bench-store bench-nodes bench-crowds bench-people scale all web web-test browser emulators unit fuzz headers generated docs docs-check format \
        style check install-deps npm run test test-long bench install deb clean
-include $(shell find $(B) -name '*.d' 2>/dev/null)
