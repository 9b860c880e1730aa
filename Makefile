# SPDX-License-Identifier: BSD-3-Clause
# make            the library: build/libforkexec.so, .a, and the command build/forkexec
# make check      every test that needs no more than make, cargo and cc, and those whose tools are there
# make demo       a real pipeline, shown
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
INSTALL ?= install
STRIP ?= strip
OBJDUMP ?= objdump
CARGO ?= cargo
CFLAGS ?= -O2 -g

# A cross build sets TARGET and CC, as in: make TARGET=aarch64-unknown-linux-gnu CC=aarch64-linux-gnu-gcc
TARGET ?=
B ?= build
CARGO_OUT = $(CARGO_TARGET_DIR_OR_DEFAULT)/$(if $(TARGET),$(TARGET)/)release
CARGO_TARGET_DIR_OR_DEFAULT = $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
CARGO_FLAGS = --release --locked $(if $(TARGET),--target $(TARGET)) $(CARGOFLAGS)

SYMBOLS := $(shell sed -n 's/^ *\(fe_[a-z_]*\);/\1/p' libforkexec.map)
WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror
LIBRARY := $(B)/libforkexec.so.$(VERSION)

.PHONY: all
all: $(LIBRARY) $(B)/libforkexec.a $(B)/libforkexec.pc $(B)/forkexec

RUST_SOURCES := Cargo.toml Cargo.lock $(shell find src -name '*.rs')

$(B):
	mkdir -p $@

$(B)/libforkexec.a: $(RUST_SOURCES) | $(B)
	$(CARGO) rustc --lib $(CARGO_FLAGS) --crate-type staticlib
	cp $(CARGO_OUT)/libforkexec.a $@

# From the static library, since a version script given to rustc's own cdylib link is refused by GNU
# ld and ignored by lld. Not --whole-archive: it would bring in all of the Rust runtime.
$(LIBRARY): $(B)/libforkexec.a libforkexec.map
	$(CC) -shared -o $@ -Wl,-soname,$(SONAME) -Wl,--version-script=libforkexec.map \
	  -Wl,--gc-sections $(addprefix -Wl$(comma)-u$(comma),$(SYMBOLS)) $(B)/libforkexec.a \
	  -Wl,-z,relro,-z,now,-z,defs,-z,nodelete $(LDFLAGS)
	ln -sf $(notdir $@) $(B)/$(SONAME)
	ln -sf $(SONAME) $(B)/libforkexec.so
comma := ,

$(B)/libforkexec.pc: libforkexec.pc.in Makefile Cargo.toml | $(B)
	sed -e 's|@prefix@|$(prefix)|' -e 's|@exec_prefix@|$(patsubst $(prefix)%,$${prefix}%,$(exec_prefix))|' \
	  -e 's|@libdir@|$(patsubst $(prefix)%,$${prefix}%,$(libdir))|' \
	  -e 's|@includedir@|$(patsubst $(prefix)%,$${prefix}%,$(includedir))|' \
	  -e 's|@version@|$(VERSION)|' libforkexec.pc.in > $@

$(B)/forkexec: tools/forkexec.c include/forkexec.h $(LIBRARY)
	$(CC) -std=c99 -D_GNU_SOURCE $(CFLAGS) $(CPPFLAGS) $(WARNINGS) -Iinclude -o $@ tools/forkexec.c \
	  -L$(B) -lforkexec -Wl,-rpath,'$$ORIGIN' $(LDFLAGS)

# ---- tests ----

# One program a topic. Each is linked to the shared library, as users' programs are.
C_TESTS := $(filter-out test probe,$(patsubst c-tests/%.c,%,$(wildcard c-tests/*.c)))
# Shell scripts, for what is seen from outside. They find what they need by the variables below.
SH_TESTS := $(patsubst c-tests/%.sh,%,$(wildcard c-tests/*.sh))
TEST_CC = $(CC) -std=c99 -D_GNU_SOURCE -O1 -g $(CFLAGS) $(CPPFLAGS) $(WARNINGS) -Iinclude
TEST_ENV = LD_LIBRARY_PATH=$(CURDIR)/$(B) FE_TEST_PROBE=$(CURDIR)/$(B)/t/probe \
  FORKEXEC=$(CURDIR)/$(B)/forkexec BUILD=$(CURDIR)/$(B) CC="$(CC)" OBJDUMP="$(OBJDUMP)"

$(B)/t: | $(B)
	mkdir -p $@
$(B)/t/test.o: c-tests/test.c c-tests/test.h include/forkexec.h | $(B)/t
	$(TEST_CC) -c -o $@ $<
$(B)/t/probe: c-tests/probe.c | $(B)/t
	$(TEST_CC) -static -o $@ $<
$(B)/t/%: c-tests/%.c $(B)/t/test.o $(LIBRARY)
	$(TEST_CC) -o $@ $< $(B)/t/test.o -L$(B) -lforkexec -lpthread -Wl,-rpath,'$$ORIGIN/..' $(LDFLAGS)

.PHONY: tests
tests: $(addprefix $(B)/t/,$(C_TESTS) probe) all
