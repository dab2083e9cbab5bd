# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# What makes no sense is refused, and changes nothing.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="bad input is refused and changes nothing"
# shellcheck disable=SC2034
VARIANTS="fence:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

# refused TEXT PATH VALUE...: no VALUE can be written to the file, which stays as it was
refused() {
	local text="$1" path="$2" before value
	shift 2
	before=$(cat "$path" 2>/dev/null)
	for value in "$@"; do
		# shellcheck disable=SC2059 # a format it is: to write newlines and NULs
		if printf "$value" 2>/dev/null >"$path"; then
			not_ok "$text"
			diag "accepted: '$value'"
			return
		fi
	done
	expect_eq "$text" "$before" "$(cat "$path" 2>/dev/null)"
}

variant_fence() {
	local knobs ctrl parameter
	plan 30
	target_start
	proxy_start 1
	for parameter in hold= hold=ALL hold=off evidence= evidence=admin evidence=ccr,TIME cqt_default_ms=0 cqt_default_ms=3600001 \
		cqt_override_ms=3600001 cqt_override_ms=-1 tracked_max=0 tracked_max=65536; do
		check "the module is not loaded with $parameter" \
			eval "! fence_load $parameter 2>/dev/null"
	done
	check "a scenario that names a parameter that there is not notices" \
		eval '! fence_load mode=time && fence_unload'
	check "it is loaded with good parameters" \
		fence_load hold=none evidence=time,ccr cqt_default_ms=3600000 cqt_override_ms=1
	path_connect 1
	expect_eq "hold is as it was set" "all overlap [none]" "$(fence_get hold)"
	expect_eq "evidence is as it was set" "[ccr] [time] reconnect reconnect-by-id disabled notification target" "$(fence_get evidence)"
	expect_eq "cqt_default_ms is as it was set" 3600000 "$(fence_get cqt_default_ms)"
	expect_eq "cqt_override_ms is as it was set" 1 "$(fence_get cqt_override_ms)"

	knobs=$(echo /sys/class/nvme-subsystem/nvme-subsys*/fence)
	ctrl=/sys/class/nvme/$(path_ctrl 1)/fence
	refused "hold" "$knobs/hold" '\n' ALL ' all' 'all ' 'all\n\n' off '[all]' 'none\0'
	refused "evidence" "$knobs/evidence" '\n' , TIME none 'ccr admin' 'ccr;time' '[ccr] time' 'time\0'
	refused "cqt_default_ms" "$knobs/cqt_default_ms" \
		'\n' 0 -1 +1 3600001 4294967297 99999999999999999999 1.5 1s 0x10 ' 1' '1 ' x
	refused "cqt_override_ms" "$knobs/cqt_override_ms" \
		'\n' -1 3600001 4294967296 1e3 ' 0' x
	refused "release" "$ctrl/release" '\n' 0 2 11 yes ' 1' '1 1'
	refused "release of removed controllers" /sys/module/nvme_fence/removed/release \
		'\n' 0 2 11 yes ' 1' '1 1'
	expect_eq "no release was counted" 0 "$(fence_counter 1 admin)"
	check "what is read only stays so" eval "! echo 1 2>/dev/null >$ctrl/held"

	echo all >"$knobs/hold" && echo ' notification,time' >"$knobs/evidence" && echo 5 >"$knobs/cqt_default_ms" && echo 0 >"$knobs/cqt_override_ms"
	expect_eq "good values are taken" "[all] overlap none" "$(fence_get hold)"
	expect_eq "lists, too" "ccr [time] reconnect reconnect-by-id disabled [notification] target" "$(fence_get evidence)"
	expect_eq "and numbers" "5 0" "$(fence_get cqt_default_ms) $(fence_get cqt_override_ms)"
	check "the tool refuses what the kernel would" \
		eval '! nvme-fence config nvme0 --cqt-default-ms 0 2>/dev/null'
}
