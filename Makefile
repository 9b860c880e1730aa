# SPDX-License-Identifier: BSD-3-Clause
# make            the library: build/libforkexec.so, .a, and the command build/forkexec
# make check      every test that needs no more than make, cargo and cc, and those whose tools are there
# make demo       a real pipeline, shown
# make install    what was built, by GNU names (prefix, libdir, DESTDIR); nothing is built; make uninstall
# make dist       a tarball; make dist-vendored one with the crates in it, for which plain make needs no network. With crates that
#                 are elsewhere: make CARGOFLAGS=--offline
# make check-packaging  tests of what distributions and build systems do; make abi  the stored dumps of the ABI anew
# See README.md for the others.

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
SONAME := libforkexec.so.0

# GNU names; PREFIX and LIBDIR are taken too.
prefix ?= $(if $(PREFIX),$(PREFIX),/usr/local)
exec_prefix ?= $(prefix)
bindir ?= $(exec_prefix)/bin
libdir ?= $(if $(LIBDIR),$(LIBDIR),$(exec_prefix)/lib)
includedir ?= $(prefix)/include
pkgconfigdir ?= $(libdir)/pkgconfig
cmakedir ?= $(libdir)/cmake/forkexec
datarootdir ?= $(prefix)/share
datadir ?= $(datarootdir)
mandir ?= $(datarootdir)/man
bashcompletiondir ?= $(datadir)/bash-completion/completions
zshcompletiondir ?= $(datadir)/zsh/site-functions
fishcompletiondir ?= $(datadir)/fish/vendor_completions.d
INSTALL ?= install
STRIP ?= strip
OBJDUMP ?= objdump
OBJCOPY ?= objcopy
CARGO ?= cargo
CFLAGS ?= -O2 -g

# A cross build sets TARGET and CC, as in: make TARGET=aarch64-unknown-linux-gnu CC=aarch64-linux-gnu-gcc
TARGET ?=
B ?= build
CARGO_OUT = $(CARGO_TARGET_DIR_OR_DEFAULT)/$(if $(TARGET),$(TARGET)/)release
CARGO_TARGET_DIR_OR_DEFAULT = $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
CARGO_FLAGS = --release --locked $(if $(TARGET),--target $(TARGET)) $(CARGOFLAGS)

# No path of the building machine is left in what is built, so that it is the same wherever it is built. Cargo takes its
# flags from one place only, and those of the user's stay: from RUSTFLAGS, if that is set, else from its configuration.
REMAP = --remap-path-prefix=$(CURDIR)=. \
  --remap-path-prefix=$(or $(realpath $(REGISTRY)),$(REGISTRY))=registry \
  --remap-path-prefix=$(shell $(or $(RUSTC),rustc) --print sysroot)/lib/rustlib/src/rust=rust
REGISTRY = $(or $(CARGO_HOME),$(HOME)/.cargo)/registry/src
BUILD_CARGO = $(if $(RUSTFLAGS),RUSTFLAGS="$(RUSTFLAGS) $(REMAP)" $(CARGO),$(CARGO) --config 'build.rustflags=[$(REMAP:%="%",)]')
# gcc believes PWD, which may go through a link.
export PWD := $(CURDIR)
PREFIX_MAP := -ffile-prefix-map=$(CURDIR)=.

SYMBOLS := $(shell sed -n 's/^ *\(fe_[a-z_]*\);/\1/p' libforkexec.map)
# A warning of a compiler that is newer than this stops our own checks only, not a user's build.
WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Wshadow $(if $(CI),-Werror)
LIBRARY := $(B)/libforkexec.so.$(VERSION)
POSIX_SONAME := libforkexec-posix.so.0
POSIX_LIBRARY := $(B)/libforkexec-posix.so.$(VERSION)
PC_FILES := libforkexec libforkexec-posix

# The manual pages are made where there is scdoc.
SCDOC ?= scdoc
HAS_SCDOC := $(shell command -v $(SCDOC))

.PHONY: all
all: $(LIBRARY) $(B)/libforkexec.a $(PC_FILES:%=$(B)/%-uninstalled.pc) $(B)/forkexec $(POSIX_LIBRARY) examples $(if $(HAS_SCDOC),man,no-man)

RUST_SOURCES := Cargo.toml Cargo.lock $(shell find src -name '*.rs')

$(B):
	mkdir -p $@

# On aarch64 atomics would be functions that ask the processor what it has, which drags in more than libc.
OUTLINE := $(if $(findstring aarch64,$(TARGET) $(shell $(CC) -dumpmachine)),-C target-feature=-outline-atomics)

# cargo would warn of make's -j that it cannot follow it, hence MAKEFLAGS. Its archive holds all of the Rust runtime, with symbols that another Rust library in the same program has
# too. What is needed of it becomes one object that defines nothing but the public symbols.
$(B)/libforkexec.a: $(RUST_SOURCES) libforkexec.map Makefile | $(B)
	MAKEFLAGS= $(BUILD_CARGO) rustc --lib $(CARGO_FLAGS) --crate-type staticlib $(if $(OUTLINE),-- $(OUTLINE))
	$(CC) -r -nostdlib -o $(B)/libforkexec.o -Wl,--gc-sections $(addprefix -Wl$(comma)-u$(comma),$(SYMBOLS)) \
	  $(CARGO_OUT)/libforkexec.a
	$(OBJCOPY) $(addprefix --keep-global-symbol=,$(SYMBOLS)) $(B)/libforkexec.o
	rm -f $@
	$(AR) rcsD $@ $(B)/libforkexec.o
comma := ,

# From the static library, since a version script given to rustc's own cdylib link is refused by GNU
# ld and ignored by lld.
$(LIBRARY): $(B)/libforkexec.a libforkexec.map
	$(CC) -shared -o $@ -Wl,-soname,$(SONAME) -Wl,--version-script=libforkexec.map \
	  -Wl,--gc-sections -Wl,--whole-archive $(B)/libforkexec.a -Wl,--no-whole-archive \
	  -Wl,-Bsymbolic-functions,-z,relro,-z,now,-z,defs,-z,nodelete,-z,noseparate-code $(LDFLAGS)
	ln -sf $(notdir $@) $(B)/$(SONAME)
	ln -sf $(SONAME) $(B)/libforkexec.so

# What build systems read, with the paths of the installation: relative to the .pc's prefix, and to where the CMake files are.
SUBSTITUTE = sed -e 's|@prefix@|$(prefix)|' -e 's|@exec_prefix@|$(patsubst $(prefix)%,$${prefix}%,$(exec_prefix))|' \
  -e 's|@libdir@|$(patsubst $(prefix)%,$${prefix}%,$(libdir))|' \
  -e 's|@includedir@|$(patsubst $(prefix)%,$${prefix}%,$(includedir))|' \
  -e 's|@cmake_prefix@|$(if $(filter $(prefix)/%,$(cmakedir)),$${here}/$(CMAKE_UP),$(prefix))|' \
  -e 's|@version@|$(VERSION)|' -e 's|@major@|$(firstword $(subst ., ,$(VERSION)))|'
CMAKE_UP = $(subst $() ,/,$(patsubst %,..,$(subst /, ,$(cmakedir:$(prefix)/%=%))))
CMAKE_FILES := forkexec-config forkexec-config-version

# For programs that are built against this tree: PKG_CONFIG_PATH=build.
$(B)/%-uninstalled.pc: %.pc.in Makefile Cargo.toml | $(B)
	sed -e 's|@prefix@|$(CURDIR)|' -e 's|@exec_prefix@|$${prefix}|' -e 's|@libdir@|$(abspath $(B))|' -e 's|@includedir@|$${prefix}/include|' \
	  -e 's|@version@|$(VERSION)|' -e 's|^Libs: .*|& -Wl,-rpath,$${libdir}|' $< > $@

# The drop-in has the static library in it: one file to preload, with nothing else to be found or relocated.
POSIX_SOURCES := $(sort $(wildcard posix/*.c))
$(POSIX_LIBRARY): $(POSIX_SOURCES) $(wildcard posix/*.h) posix/libforkexec-posix.map include/forkexec.h $(B)/libforkexec.a
	$(CC) -std=c11 -D_GNU_SOURCE $(PREFIX_MAP) $(CFLAGS) $(CPPFLAGS) $(WARNINGS) -fPIC -fvisibility=default -Iinclude -shared -o $@ \
	  -Wl,-soname,$(POSIX_SONAME) -Wl,--version-script=posix/libforkexec-posix.map $(POSIX_SOURCES) $(B)/libforkexec.a \
	  -Wl,--gc-sections -Wl,-z,relro,-z,now,-z,defs,-z,nodelete,-z,noseparate-code $(LDFLAGS)
	ln -sf $(notdir $@) $(B)/$(POSIX_SONAME)
	ln -sf $(POSIX_SONAME) $(B)/libforkexec-posix.so

# Twice: to run from here, and to install, where no path of the build may be left.
COMMAND_CC = $(CC) -std=c99 -D_GNU_SOURCE -pthread $(PREFIX_MAP) $(CFLAGS) $(CPPFLAGS) $(WARNINGS) -Iinclude
COMMAND_SOURCES := $(sort $(wildcard tools/*.c))
$(B)/forkexec: $(COMMAND_SOURCES) $(wildcard tools/*.h) include/forkexec.h $(LIBRARY)
	$(COMMAND_CC) -o $@.installed $(COMMAND_SOURCES) -L$(B) -lforkexec $(LDFLAGS)
	$(COMMAND_CC) -o $@ $(COMMAND_SOURCES) -L$(B) -lforkexec -Wl,-rpath,'$$ORIGIN' $(LDFLAGS)

# ---- manual pages ----

.PHONY: man no-man
man: $(B)/man/.names
$(B)/man/.names: $(wildcard man/*.scd) tools/man.sh | $(B)
	SCDOC="$(SCDOC)" tools/man.sh $(B)/man
no-man:
	@echo "no scdoc: the manual pages are not made"

# ---- the main job, shown ----

# Without a C++ compiler all but what is in C++ is built; make check says what it skips.
HAS_CXX := $(shell command -v $(CXX))
CXXFLAGS ?= $(CFLAGS)
C_EXAMPLES := $(patsubst examples/%.c,$(B)/%,$(wildcard examples/*.c))
CXX_EXAMPLES := $(if $(HAS_CXX),$(patsubst examples/%.cpp,$(B)/%,$(wildcard examples/*.cpp)))
.PHONY: examples
examples: $(C_EXAMPLES) $(CXX_EXAMPLES)
$(C_EXAMPLES): $(B)/%: examples/%.c include/forkexec.h $(LIBRARY)
	$(CC) -std=c99 $(CFLAGS) $(CPPFLAGS) $(WARNINGS) -Iinclude -o $@ $< -L$(B) -lforkexec -Wl,-rpath,'$$ORIGIN' $(LDFLAGS)
$(CXX_EXAMPLES): $(B)/%: examples/%.cpp include/forkexec.hpp include/forkexec.h $(LIBRARY)
	$(CXX) -std=c++17 $(CXXFLAGS) $(CPPFLAGS) $(WARNINGS) -Iinclude -o $@ $< -L$(B) -lforkexec -Wl,-rpath,'$$ORIGIN' $(LDFLAGS)

.PHONY: demo
demo: all
	@echo; echo '$$ build/pipeline LICENSE    # tr | tr | sort | uniq -c | sort -rn | head'
	@$(B)/pipeline LICENSE
	@echo; echo "$$ echo 3 2 1 | build/capture sort --no-such-option"
	@echo 3 2 1 | $(B)/capture sort --no-such-option || true
	@echo; echo '$$ build/forkexec --dir /etc --fd 0=/etc/passwd --fd 1=build/shells --setsid --verbose -- cut -d: -f7'
	@$(B)/forkexec --dir /etc --fd 0=/etc/passwd --fd 1=$(B)/shells --setsid --verbose -- cut -d: -f7
	@echo; echo '$$ build/forkexec --fd 0=build/shells sort | build/forkexec uniq -c'
	@$(B)/forkexec --fd 0=$(B)/shells sort | $(B)/forkexec uniq -c
	@echo; echo '$$ build/forkexec --dir /nope true'
	@$(B)/forkexec --dir /nope true; echo "exit status $$?"

# ---- tests ----

# One program a topic. Each is linked to the shared library, as users' programs are.
C_TESTS := $(filter-out test probe verify spawner refuse,$(patsubst c-tests/%.c,%,$(wildcard c-tests/*.c)))
# Those of the drop-in are programs for posix_spawn(3) that link it.
POSIX_TESTS := $(filter posix_%,$(C_TESTS))
# Shell scripts, for what is seen from outside. They find what they need by the variables below.
# The last one looks at the results of all others.
SH_TESTS := $(filter-out tap feature_table,$(patsubst c-tests/%.sh,%,$(wildcard c-tests/*.sh))) feature_table
TEST_CC = $(CC) -std=c99 -D_GNU_SOURCE -O1 -g $(CFLAGS) $(CPPFLAGS) $(WARNINGS) -Iinclude
TEST_ENV = LD_LIBRARY_PATH=$(CURDIR)/$(B) FE_TEST_PROBE=$(CURDIR)/$(B)/t/probe \
  FORKEXEC=$(CURDIR)/$(B)/forkexec BUILD=$(CURDIR)/$(B) CC="$(CC)" CXX="$(CXX)" OBJDUMP="$(OBJDUMP)"

$(B)/t: | $(B)
	mkdir -p $@
$(B)/t/test.o: c-tests/test.c c-tests/test.h include/forkexec.h | $(B)/t
	$(TEST_CC) -c -o $@ $<
$(B)/t/probe $(B)/t/verify: $(B)/t/%: c-tests/%.c | $(B)/t
	$(TEST_CC) -static -o $@ $<
$(addprefix $(B)/t/,$(POSIX_TESTS)): TEST_LIBS = -lforkexec-posix
$(addprefix $(B)/t/,$(POSIX_TESTS)): | $(POSIX_LIBRARY)
$(B)/t/example_terminal: | $(B)/terminal
$(B)/t/%: c-tests/%.c $(B)/t/test.o c-tests/test.h include/forkexec.h $(wildcard c-tests/*.h) | $(LIBRARY)
	$(TEST_CC) -o $@ $< $(B)/t/test.o -L$(B) $(TEST_LIBS) -lforkexec -lpthread -Wl,-rpath,'$$ORIGIN/..' $(LDFLAGS)
# Of forkexec.hpp, from two files.
CXX_TESTS := $(if $(HAS_CXX),wrapper)
$(B)/t/wrapper: $(wildcard c-tests/cxx/wrapper* c-tests/cxx/elsewhere*) include/forkexec.hpp $(B)/t/test.o c-tests/test.h include/forkexec.h | $(LIBRARY)
	$(CXX) -std=c++17 -O1 -g $(CXXFLAGS) $(CPPFLAGS) $(WARNINGS) -Iinclude -o $@ $(filter %.cpp %.o,$^) -L$(B) -lforkexec -lpthread \
	  -Wl,-rpath,'$$ORIGIN/..' $(LDFLAGS)

$(B)/t/abi: packaging/abi/layout.h

.PHONY: tests
tests: $(addprefix $(B)/t/,$(C_TESTS) $(CXX_TESTS) probe verify spawner refuse) $(B)/soak/soak all

# Spawns of all kinds by a seed, each outcome compared: SPAWNS=1000000 THREADS=4; SEED and FIRST repeat one.
$(B)/soak/soak: $(wildcard tools/soak/*.c) tools/soak/soak.h include/forkexec.h | $(LIBRARY)
	mkdir -p $(@D)
	$(TEST_CC) -o $@ $(wildcard tools/soak/*.c) -L$(B) -lforkexec -lpthread -Wl,-rpath,'$$ORIGIN/..' $(LDFLAGS)
.PHONY: soak
soak: $(B)/soak/soak $(B)/t/verify
	$(foreach v,SPAWNS SEED FIRST THREADS SECONDS,$(if $($v),$v=$($v))) $(B)/soak/soak $(B)/t/verify

RESULTS = $(B)/results

# cargo's results, a line each, as TAP.
.PHONY: check-rust
check-rust: | $(B)
	mkdir -p $(RESULTS)
	$(CARGO) test --locked --lib $(if $(CARGOFLAGS),$(CARGOFLAGS)) > $(B)/cargo-test.log 2>&1 || { cat $(B)/cargo-test.log; exit 1; }
	sed -n -e 's/^test \(.*\) \.\.\. ok$$/ok - \1/p' -e 's/^test \(.*\) \.\.\. FAILED$$/not ok - \1/p' \
	  $(B)/cargo-test.log > $(RESULTS)/rust.tap
	echo "1..$$(grep -c . $(RESULTS)/rust.tap)" >> $(RESULTS)/rust.tap

.PHONY: check
check: tests
	rm -rf $(RESULTS)
	$(MAKE) --no-print-directory check-rust
	if $(MAKE) --no-print-directory check-header; then good=; else good='not '; fi; \
	printf '1..1\n%sok 1 - the header is up to date\n' "$$good" > $(RESULTS)/header.tap
	$(TEST_ENV) FE_RESULTS=$(CURDIR)/$(RESULTS) FE_WAYS_EXPECTED=c-tests/ways.expected tools/check.sh $(RESULTS) \
	  tools/sanitizers.sh $(patsubst %,c-tests/%.sh,$(SH_TESTS)) $(addprefix $(B)/t/,$(CXX_TESTS) $(C_TESTS))

# After a test was added or changed on purpose: take the counts of the last run as the expected ones.
.PHONY: ways
ways:
	cp $(RESULTS)/ways c-tests/ways.expected

# The table in docs/features.md, from what passed in the last make check.
.PHONY: features
features:
	tools/features.sh write $(RESULTS)

# The C programs on aarch64, under qemu-user: only the piped way is open there. What they start is the probe of
# this machine, since there is no handler for programs of the other.
AARCH64 = $(B)/aarch64
AARCH64_CC ?= aarch64-linux-gnu-gcc
AARCH64_TESTS = $(C_TESTS)
# So that they find their libc without a prefix, which would also stand before the paths that they look at.
AARCH64_LDFLAGS := -Wl,--dynamic-linker=/usr/aarch64-linux-gnu/lib/ld-linux-aarch64.so.1 -Wl,-rpath,/usr/aarch64-linux-gnu/lib
HAS_AARCH64_STD = test -d "$$($(1) --print sysroot)/lib/rustlib/aarch64-unknown-linux-gnu/lib"
# Makes $(1) for it.
define ON_AARCH64
@rustc=rustc; $(call HAS_AARCH64_STD,rustc) || rustc=/usr/bin/rustc; \
$(call HAS_AARCH64_STD,$$rustc) || { echo "no Rust for aarch64: see make setup"; exit 1; }; \
RUSTC=$$rustc $(MAKE) --no-print-directory B=$(AARCH64) TARGET=aarch64-unknown-linux-gnu CC=$(AARCH64_CC) \
  OBJDUMP=aarch64-linux-gnu-objdump OBJCOPY=aarch64-linux-gnu-objcopy AR=aarch64-linux-gnu-ar LDFLAGS='$(AARCH64_LDFLAGS)' CARGO_TARGET_DIR=target/aarch64 $(1)
endef
.PHONY: check-aarch64
check-aarch64: $(B)/t/probe $(B)/terminal
	$(call ON_AARCH64,check-emulated)

.PHONY: check-emulated
check-emulated: $(LIBRARY) $(addprefix $(B)/t/,$(AARCH64_TESTS))
	rm -rf $(RESULTS) && mkdir -p $(B)/q
	for t in $(AARCH64_TESTS); do \
	  printf '#!/bin/sh\nexec timeout -s KILL 400 qemu-aarch64 %s/%s "$$@"\n' $(CURDIR)/$(B)/t $$t > $(B)/q/$$t; \
	  chmod +x $(B)/q/$$t; done
	FE_TEST_WORLD=qemu FE_TEST_PROBE=$(CURDIR)/build/t/probe BUILD=$(CURDIR)/$(B) CC=$(CC) OBJDUMP=$(OBJDUMP) \
	  STRIP=aarch64-linux-gnu-strip FE_WAYS_EXPECTED=c-tests/ways-aarch64.expected FE_TEST_RUN=qemu-aarch64 LDFLAGS="$(LDFLAGS)" \
	  tools/check.sh $(RESULTS) $(addprefix $(B)/q/,$(AARCH64_TESTS)) c-tests/artefact.sh

# For the build of a package: the unit tests, and programs that need no privilege and little time.
QUICK_TESTS := badinput dir exec explain redirect search session posix_actions posix_spawn
.PHONY: check-quick
check-quick: check-rust $(B)/t/probe $(addprefix $(B)/t/,$(QUICK_TESTS))
	$(TEST_ENV) prove --exec '' $(addprefix $(B)/t/,$(QUICK_TESTS))

# Old kernels, imitated by refused calls; and Debian's kernel, a real one, in a machine that qemu emulates (an hour, for all).
LINUX_TESTS ?= pass2 fallback execveat execfd exec child feature_query features keep session dir joins namespaces scarce
.PHONY: check-old-kernels check-old-kernels-whole check-linux-6.1 setup-linux-6.1
check-old-kernels: tests
	rm -rf $(B)/results-old && mkdir -p $(B)/results-old
	$(TEST_ENV) FE_RESULTS=$(CURDIR)/$(B)/results-old FE_WAYS_EXPECTED=/dev/null tools/check.sh $(B)/results-old tools/old_kernels.sh
# All C programs in each of these worlds: no case fails, and none is skipped that tools/old_kernels_whole.expected does not list.
check-old-kernels-whole: tests
	rm -rf $(B)/results-old-whole && mkdir -p $(B)/results-old-whole
	PROGRAMS="$(C_TESTS) $(CXX_TESTS)" $(TEST_ENV) FE_RESULTS=$(CURDIR)/$(B)/results-old-whole FE_WAYS_EXPECTED=/dev/null \
	  tools/check.sh $(B)/results-old-whole tools/old_kernels.sh
check-linux-6.1: tests
	rm -rf $(B)/results-linux
	tools/linux.sh $(B) $(B)/results-linux $(LINUX_TESTS)
	for t in $(LINUX_TESTS); do grep "^$$t " c-tests/ways.expected; done | sort > $(B)/results-linux/expected
	FE_TEST_WORLD=linux FE_WAYS_EXPECTED=$(B)/results-linux/expected tools/check.sh $(B)/results-linux
setup-linux-6.1:
	apt-get update -q
	DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends qemu-system-x86 cpio uidmap
	tools/linux.sh fetch $(B)

# What a distribution and its users do with the tree: packages, man pages, build systems, a tarball. Needs make setup-packaging.
PACKAGING_TESTS := $(sort $(wildcard packaging/tests/*.sh))
PACKAGING_PACKAGES := \
  abigail-tools \
  bash-completion \
  cargo-web \
  cmake \
  dash \
  debhelper \
  debootstrap \
  dpkg-dev \
  fish \
  golang-go \
  libglib2.0-dev \
  lintian \
  man-db \
  mandoc \
  meson \
  musl-tools \
  ninja-build \
  pkg-config \
  python3 \
  rpm \
  rpmlint \
  scdoc \
  shellcheck \
  zsh
OLDEST_RUST := $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
.PHONY: check-packaging setup-packaging
check-packaging: all
	rm -rf $(B)/results-packaging
	$(TEST_ENV) FE_WAYS_EXPECTED=/dev/null tools/check.sh $(B)/results-packaging $(PACKAGING_TESTS)
# The dumps of the ABI with all types, of which a release's debug information has too little; make abi stores them.
ABI := $(B)/abi
ABI_LIBRARIES := libforkexec libforkexec-posix
.PHONY: abi abi-dumps
abi-dumps:
	CARGO_PROFILE_RELEASE_DEBUG=full $(MAKE) --no-print-directory B=$(ABI) CARGO_TARGET_DIR=target/abi CFLAGS='-O2 -g' \
	  $(ABI_LIBRARIES:%=$(ABI)/%.so.$(VERSION))
	for l in $(ABI_LIBRARIES); do \
	  abidw --no-corpus-path --no-comp-dir-path --no-show-locs --no-parameter-names $(ABI)/$$l.so.$(VERSION) | \
	    sed -e '/<abi-instr .*LANG_UNKNOWN/{N;/<\/abi-instr>/d;}' -e "s|src/lib.rs/@/[^']*|src/lib.rs|" > $(ABI)/$$l.abi || exit; done
abi: abi-dumps
	cp $(ABI_LIBRARIES:%=$(ABI)/%.abi) packaging/abi/
# On Debian, as root.
setup-packaging:
	apt-get update -q
	DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $(PACKAGING_PACKAGES)
	rustup toolchain install $(OLDEST_RUST) --profile minimal || echo "without Rust $(OLDEST_RUST) packaging/tests/toolchains.sh cannot try it"
	rustup target add x86_64-unknown-linux-musl || echo "without it packaging/tests/toolchains.sh cannot try musl"

# All C programs under valgrind; make check has those that are quick there, and tell something.
.PHONY: check-valgrind
check-valgrind: tests
	rm -rf $(B)/results-valgrind
	PROGRAMS="$(C_TESTS) $(CXX_TESTS)" $(TEST_ENV) FE_WAYS_EXPECTED=/dev/null tools/check.sh $(B)/results-valgrind c-tests/valgrind.sh

# Programs that know nothing of us under the preload: the same results as without. First what was counted and the
# table of qemu-user, then the results. If there is no drop-in for aarch64, qemu.sh says what is missing.
.PHONY: check-posix aarch64-posix
check-posix: all
	rm -rf $(B)/results-posix $(AARCH64)/libforkexec-posix.so*
	$(MAKE) --no-print-directory aarch64-posix > $(B)/aarch64-posix.log 2>&1 || tail -n 20 $(B)/aarch64-posix.log
	BUILD=$(CURDIR)/$(B) CC="$(CC)" CARGO="$(CARGO)" AARCH64_CC="$(AARCH64_CC)" AARCH64_LDFLAGS="$(AARCH64_LDFLAGS)" \
	  FE_WAYS_EXPECTED=/dev/null tools/check.sh $(B)/results-posix posix/qemu.sh posix/real.sh > $(B)/check-posix.log; \
	status=$$?; grep -h '^# ' $(B)/results-posix/*.tap; grep -v '^ways taken' $(B)/check-posix.log; exit $$status
aarch64-posix:
	$(call ON_AARCH64,$(AARCH64)/$(notdir $(LIBRARY)) $(AARCH64)/$(notdir $(POSIX_LIBRARY)))

# The C programs and the unit tests with AddressSanitizer, some of the former with ThreadSanitizer. make check has the first part.
.PHONY: check-sanitizers
check-sanitizers: tests
	RUST=1 $(TEST_ENV) FE_WAYS_EXPECTED=/dev/null tools/check.sh $(B)/results-sanitizers tools/sanitizers.sh

# Times, which pass or fail nothing: ROUNDS=41 make bench. Against posix_spawn, fork, the floor and other runtimes (figures in
# build/bench/bench.csv, charts beside it), and of programs with and without the drop-in.
BENCH_SOURCES := $(wildcard tools/bench/*.c)
BENCH_SOURCES := $(filter-out tools/bench/peer.c tools/bench/preload.c tools/bench/tiny.c,$(BENCH_SOURCES))
.PHONY: bench bench-charts setup-bench
bench: all $(B)/bench/bench $(B)/bench/tiny
	@CC="$(CC)" tools/bench/others.sh $(B)/bench
	@PROGRAM=$(CURDIR)/$(B)/bench/tiny OTHERS=$(CURDIR)/$(B)/bench $(B)/bench/bench $${ROUNDS:-41} $(B)/bench/bench.csv
	@if command -v python3 > /dev/null; then python3 tools/bench/charts.py $(B)/bench/bench.csv $(B)/bench; \
	else echo "# skipped: charts (no python3)"; fi
	@echo; BUILD=$(CURDIR)/$(B) CC="$(CC)" tools/bench/preload.sh $${ROUNDS:-41}
# Those of the last make bench, for the README: all from one run.
bench-charts:
	mkdir -p docs/bench
	cp $(B)/bench/*.svg $(B)/bench/bench.csv docs/bench/
# The other runtimes, on Debian, as root.
setup-bench:
	apt-get update -q
	DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
	  musl-tools libuv1-dev libglib2.0-dev golang-go python3 pkg-config
$(B)/bench:
	mkdir -p $@
$(B)/bench/tiny: tools/bench/tiny.c | $(B)/bench
	$(CC) -O2 $(WARNINGS) -static -nostdlib -fno-stack-protector -fno-asynchronous-unwind-tables -o $@ $<
$(B)/bench/bench: $(BENCH_SOURCES) tools/bench/bench.h include/forkexec.h | $(LIBRARY) $(B)/bench
	$(CC) -std=c11 -D_GNU_SOURCE -O2 $(CFLAGS) $(CPPFLAGS) $(WARNINGS) -Iinclude -o $@ $(BENCH_SOURCES) \
	  -L$(B) -lforkexec -lpthread -Wl,-rpath,'$$ORIGIN/..' $(LDFLAGS)

# Each patch in mutants/ undoes a promise or a mended mistake; the tests it names must fail with it.
# All, or with SHARE=N each Nth.
SHARE := 1
.PHONY: mutants
mutants: tests
	SHARE=$(SHARE) tools/mutants.sh $(MUTANTS)

# The unit tests under Miri. The fuzz targets for FUZZ_SECONDS each, or for an hour.
.PHONY: miri fuzz fuzz-long
miri:
	tools/miri.sh
fuzz:
	tools/fuzz.sh
fuzz-long:
	FUZZ_SECONDS=3600 tools/fuzz.sh

# Each operator and each result of the pure rooms changed in turn: which of it do the unit tests not see? Hours, and what
# survives may be seen from C, so it passes or fails nothing.
PURE := src/attr.rs 'src/attr/*.rs' src/plan.rs 'src/plan/*.rs' 'src/plan/call/*.rs' src/remap.rs src/list.rs src/error.rs \
  src/explain.rs src/capi/read.rs src/procfs/text.rs
.PHONY: cargo-mutants
cargo-mutants:
	command -v cargo-mutants || $(CARGO) install --locked cargo-mutants
	$(CARGO) mutants --jobs 2 --no-shuffle --timeout 60 -o $(B) $(addprefix -f ,$(PURE)) $(CARGO_MUTANTS) -- --lib || true

# Which lines of src the C programs and the unit tests execute, the child's included: the table, and build/coverage/uncovered.txt.
# As root, on x86_64. Not the drop-in's tests, whose library is another file, nor the one that counts instructions.
.PHONY: coverage
coverage: tests
	$(CARGO) test --locked --lib --no-run $(CARGOFLAGS) 2> $(B)/cargo-test.log || { cat $(B)/cargo-test.log; exit 1; }
	@$(TEST_ENV) timeout 1800 python3 tools/coverage.py $(LIBRARY) \
	  $$(sed -n 's/^ *Executable .*(\(.*\))$$/\1/p' $(B)/cargo-test.log) $(B)/forkexec $(B)/coverage \
	  $(addprefix $(B)/t/,$(filter-out $(POSIX_TESTS) instructions,$(C_TESTS)))

.PHONY: lint
lint:
	$(CARGO) fmt --check
	$(CARGO) fmt --check --manifest-path tools/header/Cargo.toml
	$(CARGO) clippy --locked --all-targets -- -D warnings
	rustfmt --check --config-path . --edition 2021 fuzz/*.rs posix/*.rs tools/bench/*.rs
	shellcheck -S warning $(PACKAGING_TESTS) $(filter-out %/control,$(wildcard debian/tests/*)) packaging/completions/forkexec.bash tools/*.sh tools/bench/*.sh c-tests/*.sh posix/*.sh .ci/run

# What the tests want beyond cargo, make and cc.
TOOLS := prove ps pkg-config g++ newuidmap strace gdb valgrind clang shellcheck qemu-aarch64 aarch64-linux-gnu-gcc cmake ninja javac \
  /usr/bin/python3
PACKAGES := perl pkg-config strace gdb valgrind clang shellcheck qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross \
  libc6-dev g++ uidmap binutils procps git cmake ninja-build default-jdk-headless python3 libglib2.0-tests
.PHONY: check-tools setup
check-tools:
	@for t in $(TOOLS); do command -v $$t > /dev/null || echo "missing: $$t"; done
# On Debian, as root. Rust's library for aarch64 comes from Debian where rustup does not have it.
setup:
	apt-get update -q
	DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $(PACKAGES)
	DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
	  lib$$(/usr/bin/python3 -c 'import sys; print("python%d.%d" % sys.version_info[:2])')-testsuite
	cargo +nightly miri --version > /dev/null 2>&1 || \
	  rustup toolchain install nightly --profile minimal -c miri -c rust-src || echo "without nightly: make miri cannot run"
	$(call HAS_AARCH64_STD,rustc) || { dpkg --add-architecture arm64 && apt-get update -q && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends rustc-web libstd-rust-web-dev:arm64; }

# ---- the header ----

HEADER = $(CARGO) run --quiet --locked --release --manifest-path tools/header/Cargo.toml -- $(CURDIR)

.PHONY: header check-header
header:
	$(HEADER)
check-header:
	$(HEADER) --check

# ---- installing: nothing is built here ----

.PHONY: install uninstall
install:
	@test -e $(LIBRARY) -a -e $(POSIX_LIBRARY) -a -e $(B)/forkexec || { echo "run make first"; exit 1; }
	$(INSTALL) -d $(DESTDIR)$(libdir) $(DESTDIR)$(includedir) $(DESTDIR)$(pkgconfigdir) $(DESTDIR)$(cmakedir) $(DESTDIR)$(bindir)
	$(INSTALL) -m 755 $(LIBRARY) $(DESTDIR)$(libdir)
	ln -sf libforkexec.so.$(VERSION) $(DESTDIR)$(libdir)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(libdir)/libforkexec.so
	$(INSTALL) -m 755 $(POSIX_LIBRARY) $(DESTDIR)$(libdir)
	ln -sf libforkexec-posix.so.$(VERSION) $(DESTDIR)$(libdir)/$(POSIX_SONAME)
	ln -sf $(POSIX_SONAME) $(DESTDIR)$(libdir)/libforkexec-posix.so
	$(INSTALL) -m 644 $(B)/libforkexec.a $(DESTDIR)$(libdir)
	$(INSTALL) -m 644 include/forkexec.h include/forkexec.hpp $(DESTDIR)$(includedir)
	set -e; for f in $(PC_FILES:%=%.pc); do $(SUBSTITUTE) $$f.in > $(DESTDIR)$(pkgconfigdir)/$$f; chmod 644 $(DESTDIR)$(pkgconfigdir)/$$f; done; \
	for f in $(CMAKE_FILES:%=%.cmake); do $(SUBSTITUTE) packaging/cmake/$$f.in > $(DESTDIR)$(cmakedir)/$$f; chmod 644 $(DESTDIR)$(cmakedir)/$$f; done
	$(INSTALL) -m 755 $(B)/forkexec.installed $(DESTDIR)$(bindir)/forkexec
	$(INSTALL) -d $(DESTDIR)$(bashcompletiondir) $(DESTDIR)$(zshcompletiondir) $(DESTDIR)$(fishcompletiondir)
	$(INSTALL) -m 644 packaging/completions/forkexec.bash $(DESTDIR)$(bashcompletiondir)/forkexec
	$(INSTALL) -m 644 packaging/completions/forkexec.zsh $(DESTDIR)$(zshcompletiondir)/_forkexec
	$(INSTALL) -m 644 packaging/completions/forkexec.fish $(DESTDIR)$(fishcompletiondir)
	test ! -e $(B)/man/.names || for section in 1 3 7; do \
	  $(INSTALL) -d $(DESTDIR)$(mandir)/man$$section && \
	  $(INSTALL) -m 644 $(B)/man/*.$$section $(DESTDIR)$(mandir)/man$$section || exit 1; done

uninstall:
	rm -f $(DESTDIR)$(bashcompletiondir)/forkexec $(DESTDIR)$(zshcompletiondir)/_forkexec $(DESTDIR)$(fishcompletiondir)/forkexec.fish
	tools/man.sh list | while read -r page; do rm -f $(DESTDIR)$(mandir)/man$${page##*.}/$$page; done
	rm -f $(DESTDIR)$(libdir)/libforkexec.so.$(VERSION) $(DESTDIR)$(libdir)/$(SONAME) \
	  $(DESTDIR)$(libdir)/libforkexec.so $(DESTDIR)$(libdir)/libforkexec.a \
	  $(DESTDIR)$(libdir)/libforkexec-posix.so.$(VERSION) $(DESTDIR)$(libdir)/$(POSIX_SONAME) \
	  $(DESTDIR)$(libdir)/libforkexec-posix.so \
	  $(DESTDIR)$(includedir)/forkexec.h $(DESTDIR)$(includedir)/forkexec.hpp \
	  $(PC_FILES:%=$(DESTDIR)$(pkgconfigdir)/%.pc) $(CMAKE_FILES:%=$(DESTDIR)$(cmakedir)/%.cmake) $(DESTDIR)$(bindir)/forkexec
	! test -d $(DESTDIR)$(cmakedir) || rmdir $(DESTDIR)$(cmakedir)

# ---- a tarball ----

# build/libforkexec-VERSION.tar.gz, and the same with the crates in it, which is built without a network.
.PHONY: dist dist-vendored
dist: | $(B)
	CARGO="$(CARGO)" tools/dist.sh libforkexec-$(VERSION) $(B)
dist-vendored: | $(B)
	CARGO="$(CARGO)" tools/dist.sh libforkexec-$(VERSION) $(B) vendored

.PHONY: clean
clean:
	rm -rf $(B)
	$(CARGO) clean
	$(CARGO) clean --manifest-path tools/header/Cargo.toml
