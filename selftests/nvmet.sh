# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# Helpers for scenarios about the kernel's target: what a controller says of itself, who
# it was, a Cross-Controller Reset that is asked for by hand, a device that is late, and TLS.

not() { ! "$@"; }
lives() { in_state "$(path_ctrl "$1")" live; }

# number BYTES: the little endian number on the standard input
number() { od -A n -t "u$1" | tr -d ' '; }

# identify CTRL OFFSET BYTES: a number in its Identify Controller data
identify() {
	nvme id-ctrl "/dev/$1" --output-format=binary | tail -c "+$(($2 + 1))" |
		head -c "$3" | number "$3"
}

cntlid() { identify "$1" 78 2; }
ciu() { identify "$1" 135 1; }
cirn() { identify "$1" 136 8; }

# remember N [NAME]: who path N is now, for ccr_of
remember() {
	local ctrl name="${2:-$1}"
	ctrl=$(path_ctrl "$1")
	eval "ICID$name=$(cntlid "$ctrl") CIU$name=$(ciu "$ctrl") \
		CIRN$name='$(identify "$ctrl" 136 4) $(identify "$ctrl" 140 4)'"
}

# status_of COMMAND...: run nvme-cli; the result of the NVMe command, or its status
status_of() {
	"$@" 2>&1 | sed -nE 's/.*(Success and )?result: (0x[0-9a-f]+).*/\2/p
		s/^NVMe status: .*\(0x([0-9a-f]+)\).*/status \1/p'
}

# ccr SOURCE ICID CIU CIRN_LOW CIRN_HIGH: how the target answers
ccr() {
	local answer
	answer=$(status_of nvme admin-passthru "/dev/$1" --opcode=0x38 \
		--cdw10="$(($2 | $3 << 16))" --cdw12="$4" --cdw13="$5")
	case "$answer" in
	# Without More, which says that the error log has details.
	"status "*) printf 'status %x\n' $((0x${answer#status } & ~0x2000)) ;;
	'') echo "no answer" ;;
	*) case $((answer & 7)) in
		0) echo accepted ;;
		1) echo gone ;;
		*) echo "result $answer" ;;
		esac ;;
	esac
}

# ccr_of N|NAME [SOURCE]: for the instance that path N was when it was remembered
ccr_of() {
	# shellcheck disable=SC2046 # both halves of the CIRN
	ccr "${2:-$SOURCE}" $(eval "echo \$ICID$1 \$CIU$1 \$CIRN$1")
}

# ccr_log [OPTION...]: the source's log page, "ICID CIU ACID CCRS CCRF" for each entry
ccr_log() {
	nvme get-log "/dev/$SOURCE" --log-id=0x1e --log-len=4096 --raw-binary "$@" |
		od -A n -v -t u1 -w8 |
		awk 'NR == 1 { entries = $1 + 256 * $2 }
			NR > 1 && NR <= entries + 1 {
				print $1 + 256 * $2, $3, $5 + 256 * $6, $7, $8 }'
}

# other_host_connect N: a path of another host
other_host_connect() {
	local nqn="$HOSTNQN" id="$HOSTID"
	HOSTID=$(echo "$id" | tr 8 9)
	HOSTNQN=nqn.2014-08.org.nvmexpress:uuid:$HOSTID
	connect_to "$1" 127.0.0.1 duplicate_connect
	HOSTNQN=$nqn HOSTID=$id
}

# slow_target: a device that can be told to wait is under the namespace
slow_target() {
	local namespace="$TARGET/subsystems/$NQN/namespaces/1"
	target_start
	echo 0 >"$namespace/enable"
	dmsetup create slow --noudevsync --table "0 $(cat /sys/block/ram0/size) linear /dev/ram0 0" ||
		bail "no device mapper"
	echo /dev/dm-0 >"$namespace/device_path"
	echo 1 >"$namespace/enable"
}

# has_write N: has the target got a write on path N?
has_write() {
	[ "$(trace_count "nvmet_req_init: nvmet$(eval "echo \$ICID$1"): .*nvme_cmd_write")" != 0 ]
}

device_stop() { dmsetup suspend --noudevsync --nolockfs --noflush slow; }
device_go_on() { dmsetup resume --noudevsync slow; }

# path_write N BLOCK LETTER: a write on path N alone, in the background, when the target
# has got it
path_write() {
	local data=/tmp/data.$1
	head -c 4096 /dev/zero | tr '\0' "$3" >"$data"
	nvme write "/dev/$(path_ctrl "$1")" --namespace-id=1 --start-block=$(($2 * 8)) \
		--block-count=7 --data-size=4096 --data="$data" >/dev/null 2>&1 &
	await 10 has_write "$1" || bail "no write on path $1"
}

# tls_start: the helper, for both ends, and the secret that they share
tls_start() {
	printf '[authenticate]\nkeyrings=.nvme\n' >/tmp/tlshd.conf
	helper sh -c 'exec tlshd -s -c /tmp/tlshd.conf >/out/tlshd.txt 2>&1'
	nvme gen-tls-key --insert --keyring=.nvme --identity=1 \
		--hostnqn="$HOSTNQN" --subsysnqn="$NQN" \
		--secret=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f \
		>/out/key.txt 2>&1 || bail "there is no key"
}

# target_port_tls N: have a port serve nobody else
target_port_tls() {
	local port=$TARGET/ports/$1
	rm "$port/subsystems/$NQN"
	echo tls1.3 >"$port/addr_tsas"
	echo required >"$port/addr_treq"
	ln -s "$TARGET/subsystems/$NQN" "$port/subsystems/$NQN"
}
