# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# What `nvme-fence status` says about real paths: a line for each, before, while and after
# writes are held, and at once when something happens.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="the tool shows paths, what is held for them, and what would fence it"
# shellcheck disable=SC2034
VARIANTS="fence:fence ana:fence watch:fence no_module:fence stock:stock"

# look [OPTION...]: sets STATUS
look() {
	STATUS=0
	nvme-fence status "$@" >/out/status.txt 2>&1 || STATUS=$?
	cat /out/status.txt >>/out/looks.txt
}

# path_is N EXPRESSION: the line of a path, from its state on
path_is() { grep -qE "^  $(path_ctrl "$1")  +$2\$" /out/status.txt; }

# asked FILTER: of the JSON, for path 1
asked() {
	nvme-fence status -o json | jq -r --arg name "$(path_ctrl 1)" \
		".subsystems[0].controllers[] | select(.name == \$name) | $1"
}

# add_namespace GROUP: namespace 2, in an ANA group that is optimized on port 1 only
add_namespace() {
	local namespace=$TARGET/subsystems/$NQN/namespaces/2
	mkdir "$TARGET/ports/1/ana_groups/$1" "$TARGET/ports/2/ana_groups/$1"
	echo optimized >"$TARGET/ports/1/ana_groups/$1/ana_state"
	echo non-optimized >"$TARGET/ports/2/ana_groups/$1/ana_state"
	mkdir "$namespace"
	echo /dev/ram1 >"$namespace/device_path"
	echo "$1" >"$namespace/ana_grpid"
	echo 1 >"$namespace/enable"
}

# remove_namespace GROUP: when no path leads there any more
remove_namespace() {
	rmdir "$TARGET/subsystems/$NQN/namespaces/2" \
		"$TARGET/ports/1/ana_groups/$1" "$TARGET/ports/2/ana_groups/$1"
}

variant_fence() {
	plan 15
	# shellcheck disable=SC2034 # the target says nothing, and the default counts
	TARGET_CQT_MS=0
	scene_set time keep_alive_tmo=5
	await 5 path_optimized 1
	await 5 path_optimized 2
	path_io_timeout 1 3000
	look
	check "the device, the policy, and what is in force are in one line" \
		grep -qx '  /dev/nvme0n1, iopolicy [a-z-]*, evidence time disabled, CQT 10 s (default)' /out/status.txt
	check "a path is idle" path_is 1 'live +optimized +idle +0 +- +- +-'
	check "so is the other one" path_is 2 'live +optimized +idle +0 +- +- +-'
	look --verbose
	check "asked for all, it shows the timers" \
		grep -q '^    timers    KATO=5 s, io_timeout=3 s, reconnect_delay=10 s' /out/status.txt
	check "and the parts of the wait" \
		grep -q '^    wait      3 x KATO 5 s + CQT 10 s = 25 s' /out/status.txt
	writer_start --blocks 4 --writes 2
	lose_path_1
	await 5 eval '[ "$(fence_attr 1 state)" = fencing ]'
	look
	check "4 writes are held, until a time" \
		path_is 1 'connecting +optimized +holding +4 +16\.0 KiB +[0-9]+\.[0-9] s +-'
	check "the other path has nothing to do with it" path_is 2 'live +optimized +idle +0 +- +- +-'
	check "no line is too long" eval '! grep -q "^.\{81\}" /out/status.txt'
	expect_eq "exit status" 0 $STATUS
	expect_eq "programs are told the same" "holding 4 running true" "$(asked \
		'"\(.fence.state) \(.fence.held_commands) \(.fence.time_rule) \(.fence.fenced_by_time_in_ms > 0)"')"
	writer_wait
	look
	check "nothing is held any more, and time was the evidence" \
		path_is 1 'connecting +optimized +down +0 +- +- +time'
	expect_eq "where nothing is held, no time runs" "idle null time" \
		"$(asked '"\(.fence.time_rule) \(.fence.fenced_by_time_in_ms) \(.fence.last_evidence)"')"
	path_disconnect 1
	path_disconnect 2
	look
	expect_eq "a host without paths is no failure" 0 $STATUS
	check "and has no subsystem" grep -qx 'there is no NVMe subsystem on this host' /out/status.txt
}

# Two namespaces that differ.
variant_ana() {
	plan 4
	target_start
	add_namespace 2
	fence_load || bail "the module does not load"
	path_connect_direct 1
	path_connect_direct 2
	wait_for_file /dev/nvme0n2
	await 5 eval 'nvme-fence status nvme0n2 | grep -q non-optimized'
	look
	check "on path 1, both are optimized" path_is 1 'live +optimized +idle .*'
	check "on path 2, they differ" path_is 2 'live +mixed +idle .*'
	check "they are told apart" grep -qx \
		"  nvme0n2: optimized on $(path_ctrl 1), non-optimized on $(path_ctrl 2)" /out/status.txt
	look /dev/nvme0n2
	check "of one, nothing is mixed" path_is 2 'live +non-optimized +idle .*'
	path_disconnect 1
	path_disconnect 2
	remove_namespace 2
}

# seen "PATHS NUMBER": the last block has so many paths, the last of which is path NUMBER
seen() {
	[ "$(awk '/^  nvme/ { paths++; last = $1 }
		/^$/ { said = paths " " last; paths = 0 }
		END { print said }' /out/watched.txt)" = "${1% *} $(path_ctrl "${1#* }")" ]
}

variant_watch() {
	local watch status=0
	plan 3
	scene_set time
	nvme-fence status --watch 600 >/out/watched.txt 2>&1 &
	watch=$!
	check "a watch shows both paths" await 5 seen "2 2"
	path_disconnect 1
	check "what goes is gone long before the time is over" await 5 seen "1 2"
	kill -INT $watch
	wait $watch || status=$?
	expect_eq "Ctrl-C ends it" 0 $status
}

variant_no_module() {
	plan 2
	target_start
	path_connect_direct 1
	look
	check "it is said that nvme-core waits for time" \
		path_is 1 'live +optimized +by time alone, module not loaded'
	expect_eq "exit status" 3 $STATUS
}

variant_stock() {
	plan 3
	target_start
	path_connect_direct 1
	look
	check "what is not protected is said to be so" \
		path_is 1 'live +optimized +NOT PROTECTED: kernel without the series'
	expect_eq "exit status" 3 $STATUS
	expect_eq "programs are told the same" no-series "$(asked .unfenced)"
}
