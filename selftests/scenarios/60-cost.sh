# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# What `make bench` counts, see selftests/bench. The scenario does what costs something,
# marks where it begins and ends, and tests that it happened as it was meant to.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="what the fence costs"
# shellcheck disable=SC2034
VARIANTS="success_stock:stock-smp success_unloaded:fence-smp success_loaded:fence-smp loss_stock:stock-smp loss_fence:fence-smp loss_many:fence-smp subsystems_16:fence-smp subsystems_64:fence-smp subsystems_256:fence-smp memory_stock:stock-smp memory_fence:fence-smp memory_ccr:fence-smp"
# shellcheck disable=SC2034 # the machine that counts instructions
MACHINES="counted"
# shellcheck disable=SC2034
TIMEOUT=3600

OPTIONS=nr_io_queues=1,keep_alive_tmo=3600,reconnect_delay=3600,ctrl_loss_tmo=-1

# mark LABEL: what is executed from here on counts for it. The plugin sees the write to
# the trace, its marks are in the order of these labels.
mark() {
	echo "$1" >>/out/marks
	echo "$1" >/sys/kernel/tracing/trace_marker
}

# --- Requests that succeed ----------------------------------------------------

read_block() { dd "if=$DEVICE" of=/dev/null bs=4096 count=1 iflag=direct 2>/dev/null; }
write_block() { dd if=/dev/zero "of=$DEVICE" bs=4096 count=1 oflag=direct 2>/dev/null; }

succeed() {
	local kind
	plan 1
	target_start
	path_connect_direct 1 $OPTIONS
	DEVICE=$(head_device)
	for kind in read write; do
		for _ in $(seq 101); do
			mark $kind
			${kind}_block
		done
	done
	mark end
	check "the path is still live" in_state "$(path_ctrl 1)" live
}

variant_success_stock() { succeed; }
variant_success_unloaded() { succeed; }

variant_success_loaded() {
	fence_load_as time || bail "the module does not load"
	succeed
}

# --- Writes whose path is lost ------------------------------------------------

# The controllers that it takes to have 65,536 writes in flight: each has 1022 tags.
MANY=65

in_flight() { cat /sys/block/nvme*c*n*/inflight | awk '{ sum += $2 } END { print sum + 0 }'; }

# sum_of NAME: of a counter, over all controllers
sum_of() {
	cat /sys/class/nvme/nvme*/fence/counters |
		awk -v name="$1" '$1 == name { sum += $2 } END { print sum + 0 }'
}

connect_all() {
	local number
	for number in $(seq "$1"); do
		connect_to "$number" 127.0.0.11 duplicate_connect,queue_size=1024,$OPTIONS
	done
	DEVICE=$(head_device)
	echo 4 >"/sys/block/${DEVICE#/dev/}/queue/max_sectors_kb"
	echo queue-depth >"$(echo /sys/class/nvme-subsystem/nvme-subsys*/iopolicy)"
}

# A path comes, and what waits for one is executed. Then all are taken away. The target
# has forgotten the controllers that the host still has, and must not use their IDs again.
recover() {
	local ctrl
	echo 1000 >"$TARGET/subsystems/$NQN/attr_cntlid_min"
	connect_to 0 127.0.0.2 queue_size=1024,$OPTIONS
	wait
	for ctrl in /sys/class/nvme/nvme*; do
		echo 1 >"$ctrl/delete_controller"
	done
	echo 1 >"$TARGET/subsystems/$NQN/attr_cntlid_min"
	proxy 1 deliver
}

# lose LABEL CONTROLLERS WRITERS HELD: all paths are lost with 256 writes in flight for
# each writer. In the end all of them wait for a path, and there is none.
lose() {
	local label="$1" controllers="$2" writers="$3" held="$4" writer ctrl
	connect_all "$controllers"
	proxy 1 hold
	for writer in $(seq "$writers"); do
		dd if=/dev/zero "of=$DEVICE" bs=1M count=1 oflag=direct 2>/dev/null &
	done
	await 100 eval '[ "$(in_flight)" = $((writers * 256)) ]' ||
		bail "$(in_flight) writes are in flight"
	sleep 1
	mark "$label"
	proxy 1 drop
	sleep 10
	# Keep alive must not be in the way of what is counted, so time takes too long here:
	# the administrator's word is the evidence.
	for ctrl in /sys/class/nvme/nvme*/fence/release; do
		[ ! -e "$ctrl" ] || echo 1 >"$ctrl"
	done
	sleep 10
	mark "$label.end"
	expect_eq "$label: nothing is in flight" 0 "$(in_flight)"
	[ ! -d /sys/module/nvme_fence ] ||
		expect_eq "and so much was held and released" "$held $held" \
			"$(sum_of held) $(sum_of released)"
	recover
}

variant_loss_stock() {
	plan 1
	target_start
	proxy_start 1
	lose stock.1.768 1 3
}

variant_loss_fence() {
	plan 4
	target_start
	proxy_start 1
	fence_load_as off || bail "the module does not load"
	lose off.1.768 1 3 0
	fence_unload
	fence_load_as time
	lose held.1.768 1 3 768
}

variant_loss_many() {
	local writers
	plan 8
	target_start
	proxy_start 1
	fence_load_as time || bail "the module does not load"
	for writers in 4 16 64 256; do
		lose "held.$MANY.$((writers * 256))" $MANY "$writers" $((writers * 256))
	done
}

# --- Subsystems that are lost together -----------------------------------------

# By time they are fenced after 3 x 60 s + 10 s. Long enough to be connected and to get writes,
# all of them, before somebody misses a keep alive that a proxy has kept.
SUBSYSTEM_OPTIONS=nr_io_queues=1,queue_size=64,keep_alive_tmo=60,reconnect_delay=3600,ctrl_loss_tmo=-1
FENCED_S=200

# connect_subsystem NUMBER: it comes into being, and two paths to it, through a proxy each
connect_subsystem() {
	local path subsystem NQN="$NQN.$1"
	target_subsystem
	for path in 1 2; do
		target_port $path
		connect_to $path 127.0.0.1$path $SUBSYSTEM_OPTIONS
	done
	subsystem=$(grep -lxF "$NQN" /sys/class/nvme-subsystem/*/subsysnqn)
	subsystem=${subsystem%/*}
	echo round-robin >"$subsystem/iopolicy"
	DEVICE=/dev/nvme${subsystem##*subsys}n1
	wait_for_file "$DEVICE"
	echo 4 >"/sys/block/${DEVICE#/dev/}/queue/max_sectors_kb"
	DEVICES="$DEVICES $DEVICE"
}

# counted_idle LABEL: the same time once more, in which nothing happens any more
counted_idle() {
	mark "$1"
	sleep $FENCED_S
	mark "$1.end"
}

# lose_subsystems COUNT: all are lost together, with 32 writes each, 16 on each path. Those are
# released by time, and wait for a path then; there is none.
lose_subsystems() {
	local number device writes=$(($1 * 32))
	plan 2
	fence_load_as time || bail "the module does not load"
	# A proxy has two connections open for each queue.
	ulimit -n 4096
	proxy_start 1
	proxy_start 2
	for number in $(seq "$1"); do connect_subsystem "$number"; done
	proxy 1 hold
	proxy 2 hold
	for device in $DEVICES; do
		dd if=/dev/zero "of=$device" bs=128k count=1 oflag=direct 2>/dev/null &
	done
	await 100 eval '[ "$(in_flight)" = $writes ]' || bail "$(in_flight) writes are in flight"
	mark "subsystems.$1"
	proxy 1 drop
	proxy 2 drop
	sleep $FENCED_S
	mark "subsystems.$1.end"
	counted_idle "idle.$1"
	expect_eq "nothing is in flight" 0 "$(in_flight)"
	expect_eq "each was held and released once" "$writes $writes" \
		"$(sum_of held) $(sum_of released)"
}

variant_subsystems_16() { lose_subsystems 16; }
variant_subsystems_64() { lose_subsystems 64; }
variant_subsystems_256() { lose_subsystems 256; }

# --- Memory -------------------------------------------------------------------

# Who allocates for Rust: its functions, or what they call, if the compiler makes that no tail call
RUST='_R|rust_helper_krealloc'

memory_trace() {
	mkdir "$TRACE"
	echo 1 >"$TRACE/events/kmem/kmalloc/enable"
	echo 1 >"$TRACE/events/kmem/kmem_cache_alloc/enable"
	echo 1 >"$TRACE/events/kmem/kfree/enable"
	echo 1 >"$TRACE/events/kmem/kmem_cache_free/enable"
}

# allocated NAME PATTERN: what was allocated by who matches, is still allocated, and how
# many pieces it is. By whom, function by function, is in /out/memory.sites.
allocated() {
	echo 0 >"$TRACE/tracing_on"
	awk -v name="$1" -v pattern="$2" '
		function value(key) {
			match($0, " " key "=[^ ]+")
			return substr($0, RSTART + length(key) + 2, RLENGTH - length(key) - 2)
		}
		/ (kmalloc|kmem_cache_alloc): / && value("call_site") ~ pattern {
			bytes[value("ptr")] = value("bytes_alloc")
			site[value("ptr")] = value("call_site")
		}
		/ (kfree|kmem_cache_free): / { delete bytes[value("ptr")] }
		END {
			for (pointer in bytes) {
				sum += bytes[pointer]
				pieces++
				of_site[site[pointer] " " bytes[pointer]]++
			}
			print name, sum + 0, pieces + 0
			for (key in of_site)
				print name, key, of_site[key] >>"/out/memory.sites"
		}' "$TRACE/trace" >>/out/memory
}

# watch_again: from nothing
watch_again() {
	echo >"$TRACE/trace"
	echo 1 >"$TRACE/tracing_on"
}

# A transport's controller, in which nvme-core has its own
memory_of_nvme_ctrl() {
	path_connect_direct 1 $OPTIONS
	allocated nvme_tcp_ctrl '^nvme_tcp_create_ctrl'
}

variant_memory_stock() {
	plan 1
	target_start
	memory_trace
	memory_of_nvme_ctrl
	check "the path is live" in_state "$(path_ctrl 1)" live
}

# insmod_traced NAME: what the module and its files in sysfs take when it is loaded; the
# rest is the loader's
insmod_traced() {
	watch_again
	sh -c 'echo $$ >"$1/set_event_pid"; exec insmod "$2"' -- "$TRACE" "$MODULE"
	allocated "$1" "^(nvme_fence_|$RUST|__kernfs_new_node|kstrdup_const|kobject_set_name_vargs)"
	fence_unload
}

# memory_of_record: A reset makes a new association, and the module, which is loaded, a record of it.
memory_of_record() {
	echo >"$TRACE/set_event_pid"
	watch_again
	echo 1 >"/sys/class/nvme/$(path_ctrl 1)/reset_controller"
	wait_state "$(path_ctrl 1)" live
	allocated association '^nvme_(assoc_|fence_(identified|make_assoc))'
	allocated record "^(nvme_fence_rs_|$RUST)"
}

# Controllers have no names for their instances, and do not reset each other.
variant_memory_fence() {
	plan 2
	scripted_target_start --ciu 0 --ccrl 0
	memory_trace
	memory_of_nvme_ctrl
	insmod_traced loaded.1
	path_connect_direct 2 $OPTIONS
	insmod_traced loaded.2
	connect_to 3 127.0.0.1 duplicate_connect,$OPTIONS
	insmod_traced loaded.3
	check "the module is loaded" fence_load
	memory_of_record
	check "the path is live" in_state "$(path_ctrl 1)" live
}

# They can be reset, and reset others.
variant_memory_ccr() {
	plan 2
	target_start
	path_connect_direct 1 $OPTIONS
	check "the module is loaded" fence_load
	memory_trace
	memory_of_record
	check "the path is live" in_state "$(path_ctrl 1)" live
}
