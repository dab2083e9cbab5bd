# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# A path with TLS. For the handshake the kernel lends the socket to a helper in user space.
# If that keeps it, the connection does not end when the host releases its socket: TCP goes
# on to send what the host has given up.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="a connection ends even if the helper for TLS keeps its socket"
# shellcheck disable=SC2034
VARIANTS="fence:fence stock:stock"

ADDRESS=127.0.0.11
# The admin queue is connection 1.
IO_CONNECTION=2

# hello CONNECTION: the host has begun a handshake, which the proxy keeps
hello() { proxy 1 list | grep -q "^$1 .* kept_for_target=[1-9]"; }

# connect_kept: path 1, while somebody else takes the socket of its I/O queue
connect_kept() {
	local connecting line
	proxy 1 hold
	path_connect 1 tls,nr_io_queues=1,keep_alive_tmo=20 &
	connecting=$!
	await 5 hello 1 || bail "there is no handshake"
	proxy 1 deliver 1 >/dev/null
	await 5 hello $IO_CONNECTION || bail "there is no handshake of the I/O queue"
	mkfifo /run/keep.ready
	helper sh -c 'exec ghost keep --peer "$1" >/run/keep.ready' -- $ADDRESS:4420
	read -r line </run/keep.ready
	[ "$line" = ready ] || bail "nobody keeps the socket"
	proxy 1 deliver >/dev/null
	wait $connecting
	PATH1_CTRL=nvme0
}

# swallow: what the host sends to path 1 from now on; data is counted
swallow() {
	nft -f - <<-END || bail "no firewall"
		table ip lab {
			counter data { }
			chain output {
				type filter hook output priority 0
				ip daddr $ADDRESS tcp dport 4420 tcp flags & (syn | rst) == 0 counter name data
				ip daddr $ADDRESS tcp dport 4420 drop
			}
		}
	END
}

# sent: packets with data since it was asked last
sent() { nft reset counter ip lab data | sed -n 's/.*packets \([0-9]*\) .*/\1/p'; }

# lose: path 1 with a write, and count what is sent when the host has done with it
lose() {
	target_subsystem
	target_port 1
	target_port_tls 1
	tls_start
	proxy_start 1
	connect_kept
	path_io_timeout 1 3000
	DEVICE=$(head_device)
	write_block "$DEVICE" 0 A || bail "the path does not write"
	swallow
	write_block "$DEVICE" 0 B &
	WRITER=$!
	wait_state "$(path_ctrl 1)" connecting 20 || bail "the path is not given up"
	expect_between "the host tried to send the write" 1 1000 "$(sent)"
	sleep 30
	SENT=$(sent)
}

variant_fence() {
	plan 5
	fence_load_as time || bail "the module does not load"
	lose
	expect_eq "the write is held" 1 "$(fence_counter 1 held)"
	expect_eq "nothing was sent since then" 0 "$SENT"
	nft delete table ip lab
	wait $WRITER && STATUS=0 || STATUS=$?
	expect_eq "the write succeeds when it is sent again" 0 "$STATUS"
	expect_eq "the evidence was time" time "$(fence_attr 1 evidence)"
	path_disconnect 1
}

variant_stock() {
	plan 3
	lose
	expect_between "it was still being sent" 1 1000 "$SENT"
	nft delete table ip lab
	wait $WRITER && STATUS=0 || STATUS=$?
	expect_eq "the write succeeds when it is sent again" 0 "$STATUS"
	path_disconnect 1
}
