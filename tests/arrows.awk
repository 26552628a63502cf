# SPDX-License-Identifier: MIT
# arrows: who may include whom, and which file may touch which library.
# Reads C sources; prints each include that breaks a rule and exits 1.

BEGIN {
	# folder -> what it may include; the table of statements is C too
	may["common"] = "^(common/|sql/statements\\.def)"
	may["ingest"] = "^(common/[a-z0-9_]+\\.|ingest/)"
	may["analytics"] = "^(common|analytics)/"
	may["api"] = "^(common|analytics|api)/"
	# library header -> the files that may include it
	fence["mysql|mariadb"] = "^common/db/"
	fence["event2/"] = "^(common/db/pool\\.[ch]|api/)"
	fence["libav|libsw"] = "^ingest/(libav\\.h|(source|picture|images|device|png|still)\\.c)"
	fence["curl/"] = "^common/client\\.c"
	fence["cjson/"] = "^common/json\\.c"
	fence["sodium"] = "^common/(digest|password|seal|token)\\.c"
	fence["zstd"] = "^common/seal\\.c"
	fence["openssl/"] = "^api/tls\\.c"
	fence["zlib"] = "^(analytics/import|api/gzip|api/upload_read)\\.c"
	fence["opencv"] = "^ingest/detect/opencv\\.cc"
	fence["darknet"] = "^ingest/detect/darknet_main\\.c"
	fence["check\\.h"] = "^tests/"
}

function broken(why) {
	printf "%s:%d: %s: %s\n", FILENAME, FNR, $0, why
	bad = 1
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
	split($0, q, "\"")
	split(FILENAME, dir, "/")
	if (dir[1] != "tests" && q[2] !~ may[dir[1]])
		broken(dir[1] "/ may not include this")
}

/^[ \t]*#[ \t]*include[ \t]*</ {
	name = $0
	sub(/^[^<]*</, "", name)
	sub(/>.*/, "", name)
	for (lib in fence)
		if (name ~ "^(" lib ")" && FILENAME !~ fence[lib] && FILENAME !~ /^tests\//)
			broken("only " fence[lib] " may")
}

END { exit bad }
