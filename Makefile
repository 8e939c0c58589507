# SPDX-License-Identifier: MIT
# all demo check check-long bench lint sanitize fuzz install uninstall clean
# V=1 shows the commands, DEV=1 makes warnings errors.

CC ?= cc
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
B := build
V ?= 0
Q := $(if $(filter 1,$(V)),,@)
# for what makes much by one command: as many jobs as processors, if none were asked for
JOBS = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))
say = $(if $(filter 1,$(V)),,@printf '  %-5s %s\n' $(1) $(2))

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
        -Wwrite-strings -Wpointer-arith -Wold-style-definition -Wno-deprecated-declarations \
        -Wno-nonnull-compare -Wno-unknown-warning-option $(if $(DEV),-Werror)
CPPFLAGS += -D_GNU_SOURCE -U_FORTIFY_SOURCE -U_FILE_OFFSET_BITS -Ishim -Ibackends
CFLAGS ?= -O2 -g
override CFLAGS += -std=gnu11 $(WARN) -fno-strict-aliasing
LIBFLAGS := -fPIC -fvisibility=hidden -ftls-model=initial-exec
STATIC_LIBS := -Wl,-Bstatic -luring -linih -Wl,-Bdynamic

LIB_LDFLAGS := -Wl,--version-script=shim/libaio.map -Wl,-z,defs,-z,now,-z,initfirst,--exclude-libs,ALL,-soname,libshim.so

LIB_SRC := $(wildcard shim/*.c shim/*/*.c backends/*.c backends/s3/*.c)
# The engine of s3: a program of its own, so that no guest loads libcurl or OpenSSL.
AGENT_SRC := $(wildcard backends/s3/agent/*.c backends/s3/agent/*/*.c) shim/calls.c shim/base/real.c backends/options.c \
             $(wildcard shim/conf/*.c)
AGENT_OBJ := $(AGENT_SRC:%.c=$(B)/agent/%.o)
AGENT_LIBS := -lcurl -lcrypto -lexpat -ljansson -lpthread
LIB_OBJ := $(LIB_SRC:%.c=$(B)/lib/%.o)
# The doors export libc's names; the unit tests are linked without them.
DOOR_SRC := $(wildcard shim/doors/*.c) shim/init.c
CORE_OBJ := $(filter-out $(DOOR_SRC:%.c=$(B)/lib/%.o),$(LIB_OBJ))
TOOL_SRC := $(wildcard tools/*.c) shim/calls.c shim/base/real.c backends/options.c \
            $(wildcard shim/conf/*.c) shim/stats/stats_tree.c
TOOL_OBJ := $(TOOL_SRC:%.c=$(B)/tool/%.o)
UNITS := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(wildcard tests/unit/*.c))
MAN := $(wildcard shim/*.[1-8] shim/*/*.[1-8] backends/*.[1-8] backends/s3/*.[1-8] tools/*.[1-8])

.PHONY: all deps units demo check check-long bench lint sanitize sanitized fuzz matrix install uninstall clean
all: $(B)/libshim.so $(B)/shim $(if $(filter %/main.c,$(AGENT_SRC)),$(B)/shim-agent)

# -z initfirst: other libraries' constructors do I/O, and ours must have run.
$(B)/libshim.so: $(LIB_OBJ) $(B)/flags
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared -o $@.new $(LIB_OBJ) $(STATIC_LIBS) $(LIB_LDFLAGS) && mv $@.new $@

# The library with the back ends of the tests.
TEST_OBJ := $(patsubst %,$(B)/test/%.o,backends/backend backends/options $(basename $(wildcard tests/object/*.c)))
$(B)/tests/libshim.so: $(filter-out $(B)/lib/backends/backend.o $(B)/lib/backends/options.o,$(LIB_OBJ)) $(TEST_OBJ)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS) $(LDFLAGS) -shared -o $@.new $^ $(STATIC_LIBS) $(LIB_LDFLAGS) && mv $@.new $@

$(B)/test/%.o: %.c $(B)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) -DSHIM_TEST_BACKENDS $(CFLAGS) $(LIBFLAGS) -MMD -MP -c -o $@ $<

$(B)/shim: $(TOOL_OBJ) $(B)/flags
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(TOOL_OBJ) -Wl,-Bstatic -linih -Wl,-Bdynamic -ljansson

$(B)/shim-agent: $(AGENT_OBJ) $(B)/flags
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(AGENT_OBJ) -Wl,-Bstatic -linih -Wl,-Bdynamic $(AGENT_LIBS)

# All of the agent but main: for the unit tests.
$(B)/libagent.a: $(filter-out %/main.o,$(AGENT_OBJ))
	$(Q)rm -f $@ && $(AR) rc $@ $^

$(B)/agent/%.o: %.c $(B)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) -Ibackends/s3/agent $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/libcore.a: $(CORE_OBJ)
	$(Q)rm -f $@ && $(AR) rc $@ $^

$(B)/lib/%.o: %.c $(B)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) $(LIBFLAGS) -MMD -MP -c -o $@ $<

$(B)/tool/%.o: %.c $(B)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) -Itools -MMD -MP -c -o $@ $<

$(B)/tests/unit/%: tests/unit/%.c $(B)/libcore.a
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) -Itools -MMD -MP -o $@ $(filter %.c %.o,$^) \
	    $(B)/libcore.a $(STATIC_LIBS) $(UNIT_LIBS) -lcmocka -lpthread

# A unit of the tests' own server.
$(B)/tests/unit/fault_sign: $(filter-out %/fault.c,$(wildcard tests/s3/fault*.c))
$(B)/tests/unit/fault_sign: override CPPFLAGS += -Itests/s3
$(B)/tests/unit/fault_sign: UNIT_LIBS := -lssl -lcrypto -lexpat

# Units of the agent (tests/unit/s3_*.c) are linked with it, not with the library.
$(B)/tests/unit/s3_%: tests/unit/s3_%.c $(B)/libagent.a
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) -Ibackends/s3/agent $(CPPFLAGS) $(CFLAGS) -MMD -MP -o $@ $(filter %.c %.o,$^) \
	    $(B)/libagent.a -Wl,-Bstatic -linih -Wl,-Bdynamic $(AGENT_LIBS) -lcmocka

# The statistics are read back with the tool's reader.
$(filter $(B)/tests/unit/stats%,$(UNITS)): $(B)/tool/tools/segment.o

units: $(UNITS) $(if $(filter build,$(B)),$(B)/tests/libshim.so $(B)/tests/last_close)

# It ends files as an agent beside the programs would, with the back end of the tests.
$(B)/tests/last_close: tests/last_close.c $(TEST_OBJ) $(B)/libcore.a
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) -Itests/object -MMD -MP -o $@ $(filter %.c %.o,$^) \
	    $(B)/libcore.a $(STATIC_LIBS) -lpthread

# Everything is built again when the compiler or its flags change.
$(B)/flags: FORCE
	$(Q)mkdir -p $(B); echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)' | cmp -s - $@ || \
	    { .ci/setup build && echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)' >$@; }
FORCE:

demo: deps
	$(Q)$(MAKE) -s all
	$(Q)tests/demo.sh && tests/demo_s3.sh

check: deps
	$(Q)$(MAKE) -s $(JOBS) all units sanitized
	$(Q)tests/run.sh

check-long:
	$(Q)LONG=1 .ci/setup check
	$(Q)$(MAKE) -s $(JOBS) all units sanitized
	$(Q)LONG=1 tests/run.sh

deps:
	$(Q).ci/setup check

bench: deps
	$(Q)$(MAKE) -s all
	$(Q)bench/run.sh

lint:
	$(Q).ci/setup lint
	$(Q)$(MAKE) -s all
	$(Q).ci/lint

# The unit tests under ASan and UBSan, and under TSan; each in a build of its own.
sanitized:
	$(Q)$(MAKE) -s $(JOBS) B=$(B)/asan CFLAGS='-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined' units
	$(Q)$(MAKE) -s $(JOBS) B=$(B)/tsan CFLAGS='-O1 -g -fsanitize=thread' units

sanitize: deps
	$(Q)$(MAKE) -s $(JOBS) units sanitized
	$(Q)tests/run.sh unit

# The parsers of what comes from outside, under libFuzzer for FUZZ_SECONDS each; what it finds stays in build/fuzz.
FUZZ_SECONDS ?= 60
FUZZED := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
fuzz:
	$(Q).ci/setup lint
	$(Q)$(MAKE) -s B=build/fuzz CC=clang CFLAGS='-O1 -g -fsanitize=address,undefined,fuzzer-no-link' \
	    $(FUZZED:%=build/fuzz/run/%)
	$(Q)for f in $(FUZZED); do mkdir -p build/fuzz/found/$$f && build/fuzz/run/$$f -max_total_time=$(FUZZ_SECONDS) \
	    -max_len=8192 -rss_limit_mb=2048 -artifact_prefix=build/fuzz/$$f- build/fuzz/found/$$f \
	    tests/fuzz/corpus/$$f >build/fuzz/$$f.log 2>&1 && tail -1 build/fuzz/$$f.log | sed "s/^/$$f: /" || \
	    { tail -40 build/fuzz/$$f.log; exit 1; }; done

$(B)/run/%: tests/fuzz/%.c $(B)/libagent.a
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) -fsanitize=fuzzer -Ibackends/s3/agent -o $@ $< \
	    $(B)/libagent.a -Wl,-Bstatic -linih -Wl,-Bdynamic $(AGENT_LIBS)

# docs/support.md, from the table of calls and the last make check.
matrix:
	$(Q).ci/matrix >docs/support.md.new && mv docs/support.md.new docs/support.md

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(LIBDIR)
	install -m 755 $(B)/shim $(DESTDIR)$(PREFIX)/bin/shim
	install -d $(DESTDIR)$(LIBDIR)/shim
	install -m 755 $(B)/shim-agent $(DESTDIR)$(LIBDIR)/shim/shim-agent
	install -m 755 $(B)/libshim.so $(DESTDIR)$(LIBDIR)/libshim.so
	for m in $(MAN); do s=$${m##*.}; \
	    install -D -m 644 $$m $(DESTDIR)$(PREFIX)/share/man/man$$s/$${m##*/} || exit 1; done

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/shim $(DESTDIR)$(LIBDIR)/libshim.so $(DESTDIR)$(LIBDIR)/shim/shim-agent
	for m in $(MAN); do s=$${m##*.}; rm -f $(DESTDIR)$(PREFIX)/share/man/man$$s/$${m##*/}; done

clean:
	$(Q)rm -rf $(B)

-include $(LIB_OBJ:.o=.d) $(TEST_OBJ:.o=.d) $(TOOL_OBJ:.o=.d) $(AGENT_OBJ:.o=.d) $(UNITS:=.d)
