# SPDX-License-Identifier: MIT
# The whole build, one graph.  `make` builds the four programs under build/;
# `make SANITIZE=1` builds them under build-san/ with AddressSanitizer and
# UndefinedBehaviorSanitizer, `make SANITIZE=thread` under build-tsan/ with
# ThreadSanitizer.
#   unit      the Check runner           lint      formatting, cppcheck, below
#   arrows    who may include whom       headers   each header compiles alone
#   symbols   ingest holds no SQL        config    config/tally.ini is current

.DEFAULT_GOAL := all
, := ,
SANITIZE ?=
B        := build$(if $(SANITIZE),$(if $(filter thread,$(SANITIZE)),-tsan,-san))
CC       := gcc
CXX      := g++
PKG      := pkg-config

WARN     := -Wall -Wextra -Wpedantic -Wshadow -Werror
CWARN    := $(WARN) -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
CPPFLAGS := -I. -D_GNU_SOURCE $(if $(SANITIZE),,-D_FORTIFY_SOURCE=2)
SAN      := $(if $(SANITIZE),-fno-sanitize-recover=all -fno-omit-frame-pointer \
	-fsanitize=$(if $(filter thread,$(SANITIZE)),thread,address$(,)undefined))
CFLAGS   := -O2 -g -fstack-protector-strong -pthread $(SAN)
LDFLAGS  := -pthread -Wl,--as-needed $(SAN)

common    := $(wildcard common/*.c)
db        := $(wildcard common/db/*.c)
analytics := $(filter-out analytics/main.c,$(wildcard analytics/*.c))
worker    := analytics/main.c
ctl       := $(wildcard analytics/ctl/*.c)
api       := $(filter-out api/main.c,$(wildcard api/*.c))
ingest    := $(filter-out ingest/main.c ingest/detect/darknet_main.c,$(wildcard ingest/*.c ingest/detect/*.c))
ingest_cc := $(wildcard ingest/detect/*.cc)
tests     := $(wildcard tests/*.c tests/common/*.c tests/ingest/*.c tests/analytics/*.c tests/api/*.c)
bench     := $(wildcard tests/bench/*.c)
fuzz      := $(wildcard tests/fuzz/*.c)
rtsp      := tests/rtsp/server.c
fuzzed    := $(wildcard api/accept.c api/allow.c api/field.c api/jpeg.c api/http.c api/http_read.c api/http_body.c api/proxy.c api/query.c)
headers   := $(wildcard common/*.h common/db/*.h ingest/*.h ingest/detect/*.h analytics/*.h analytics/ctl/*.h api/*.h)
every     := $(common) $(db) $(analytics) $(worker) $(ctl) $(api) api/main.c $(ingest) ingest/main.c ingest/detect/darknet_main.c $(tests) $(bench) $(fuzz)

# One line of pkg-config a library, asked for only by what links it.
libs       = $(shell $(PKG) --libs $1)
db_LIBS     = $(call libs,libmariadb) -lm
common_LIBS = $(call libs,libcjson libsodium libcurl) -lm
api_LIBS    = $(call libs,libevent_core libssl libcrypto zlib)
ctl_LIBS    = $(call libs,zlib)
backup_LIBS = $(call libs,libzstd)
ingest_LIBS = $(call libs,libavformat libavcodec libswscale libavutil) -lopencv_dnn -lopencv_core -lstdc++
CPPFLAGS   += $(shell $(PKG) --cflags libmariadb libcjson)
CXXFLAGS   := -std=c++17 -O2 -g -pthread $(WARN) $(SAN) -isystem /usr/include/opencv4

obj = $(patsubst %.c,$B/%.o,$(filter %.c,$1)) $(patsubst %.cc,$B/%.o,$(filter %.cc,$1))

# What GET /readyz wants to find in the schema.
migrations := $(wildcard sql/migrations/*.sql)
$B/api/ready.o: CPPFLAGS += -DMIGRATIONS='"$(shell ls sql/migrations | sed -n 's/^0*\([0-9]*\)_.*/\1/p' | paste -sd,)"'
$B/api/ready.o: $(migrations) Makefile

# Where `./dev` has built Darknet, ingest's engine darknet is built as well.
DARKNET  := $(wildcard var/darknet/libdarknet.a)

programs := $B/tally-ingest $B/tally-api $B/tally-worker $B/tally $(if $(DARKNET),$B/tally-darknet)
all: $(programs)

$B/libcommon.a: $(call obj,$(common))
$B/libdb.a: $(call obj,$(db))
$B/libanalytics.a: $(call obj,$(analytics))
$B/libapi.a: $(call obj,$(api))
$B/libingest.a: $(call obj,$(ingest) $(ingest_cc))
$B/%.a:
	@rm -f $@
	@ar rcs $@ $^

$B/tally-ingest: $(call obj,ingest/main.c) $B/libingest.a $B/libcommon.a
	@echo "  ld  $@"; $(CC) $(LDFLAGS) -o $@ $^ $(ingest_LIBS) $(common_LIBS)
$B/tally-darknet: CPPFLAGS += -isystem var/darknet/include
$B/tally-darknet: $(call obj,ingest/detect/darknet_main.c) $(DARKNET)
	@echo "  ld  $@"; $(CC) $(LDFLAGS) -o $@ $^ -lm
$B/tally-api: $(call obj,api/main.c) $B/libapi.a $B/libanalytics.a $B/libdb.a $B/libcommon.a
	@echo "  ld  $@"; $(CC) $(LDFLAGS) -o $@ $^ $(api_LIBS) $(db_LIBS) $(common_LIBS)
$B/tally-worker: $(call obj,$(worker)) $B/libanalytics.a $B/libdb.a $B/libcommon.a
	@echo "  ld  $@"; $(CC) $(LDFLAGS) -o $@ $^ $(backup_LIBS) $(db_LIBS) $(common_LIBS)
$B/tally: $(call obj,$(ctl)) $B/libanalytics.a $B/libdb.a $B/libcommon.a
	@echo "  ld  $@"; $(CC) $(LDFLAGS) -o $@ $^ $(ctl_LIBS) $(backup_LIBS) $(db_LIBS) $(common_LIBS)

# Every tests/<folder>/test_<file>.c defines `Suite *test_<folder>_<file>(void)`.
$B/tests/suites.def: $(filter-out tests/main.c,$(tests)) Makefile
	@mkdir -p $(@D)
	@for f in $(filter-out tests/main.c,$(tests)); do echo $$f; done | \
		sed 's,tests/\([a-z]*\)/test_\(.*\)\.c,SUITE(test_\1_\2),' > $@
$B/tests/main.o: CPPFLAGS += -I$B/tests
$B/tests/main.o: $B/tests/suites.def
$B/unit: $(call obj,$(tests)) $B/libapi.a $B/libingest.a $B/libanalytics.a $B/libdb.a $B/libcommon.a
	@echo "  ld  $@"; $(CC) $(LDFLAGS) -o $@ $^ $(ingest_LIBS) $(api_LIBS) $(backup_LIBS) $(db_LIBS) $(common_LIBS) $(call libs,check)
unit: $B/unit

$B/bench/%: $B/tests/bench/%.o $B/libapi.a $B/libingest.a $B/libanalytics.a $B/libdb.a $B/libcommon.a
	@mkdir -p $(@D)
	@echo "  ld  $@"; $(CC) $(LDFLAGS) -o $@ $^ $(ingest_LIBS) $(api_LIBS) $(backup_LIBS) $(db_LIBS) $(common_LIBS)
bench: $(patsubst tests/bench/%.c,$B/bench/%,$(bench))

# A camera for the tests.
$B/rtsp-server: tests/rtsp/server.c
	@mkdir -p $(@D)
	@echo "  ld  $@"; $(CC) -std=c11 $(CWARN) -D_GNU_SOURCE -O1 -o $@ $< \
		$(subst -I,-isystem ,$(shell $(PKG) --cflags gstreamer-rtsp-server-1.0)) \
		$(call libs,gstreamer-rtsp-server-1.0)

# Fuzzers are plain LLVMFuzzerTestOneInput files; clang's libFuzzer drives them.
$B/fuzz/%.o: %.c
	@mkdir -p $(@D)
	@clang -std=c11 -g -O1 -Wall -Wextra -I. -D_GNU_SOURCE $(shell $(PKG) --cflags libcjson) \
		-fsanitize=fuzzer-no-link$(,)address$(,)undefined -fno-sanitize-recover=all -MMD -MP -c -o $@ $<
$B/fuzz/lib.a: $(patsubst %.c,$B/fuzz/%.o,$(common) $(fuzzed))
$B/fuzz/%: $B/fuzz/tests/fuzz/%.o $B/fuzz/lib.a
	@echo "  ld  $@"; clang -fsanitize=fuzzer$(,)address$(,)undefined -Wl,--as-needed -o $@ $^ $(common_LIBS)
fuzz: $(patsubst tests/fuzz/%.c,$B/fuzz/%,$(fuzz))
-include $(patsubst %.c,$B/fuzz/%.d,$(common) $(fuzzed) $(fuzz))

$B/%.o: %.c
	@mkdir -p $(@D)
	@echo "  cc  $<"; $(CC) -std=c11 $(CWARN) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$B/%.o: %.cc
	@mkdir -p $(@D)
	@echo "  c++ $<"; $(CXX) $(CXXFLAGS) $(CPPFLAGS) -MMD -MP -c -o $@ $<
-include $(patsubst %.o,%.d,$(call obj,$(every) $(ingest_cc)))

arrows:
	@awk -f tests/arrows.awk $(every) $(headers) $(ingest_cc)
headers:
	@for h in $(headers); do \
		printf '#include "%s"\ntypedef int not_empty;\n' $$h | \
		$(CC) -std=c11 $(CWARN) $(CPPFLAGS) -fsyntax-only -x c - || exit 1; done
symbols: $B/tally-ingest
	@! nm -D $B/tally-ingest | grep -i ' U mysql_'
config: $B/tally
	@$B/tally config --defaults | diff -u config/tally.ini - >&2
style:
	@clang-format --dry-run -Werror $(every) $(rtsp) $(headers) $(ingest_cc)
cppcheck:
	@cppcheck --std=c11 --quiet --error-exitcode=1 --inline-suppr --force \
		--enable=warning,performance,portability --library=posix \
		--suppress=missingIncludeSystem -I. $(filter-out tests/%,$(every))
lint: arrows headers symbols config style cppcheck
format:
	clang-format -i $(every) $(rtsp) $(headers) $(ingest_cc)
clean:
	rm -rf build build-san build-tsan

.PHONY: all unit bench fuzz arrows headers symbols config style cppcheck lint format clean
.DELETE_ON_ERROR:
.SECONDARY:
