# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# Random faults on both paths, random load, the oracle: what exactly, a seed says (ghost
# sweep plan --seed N). The seed is 1, or the parameter lab.seed; selftests/sweep runs many.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="a schedule of faults and load drawn from a seed"
# shellcheck disable=SC2034
VARIANTS="time:fence ccr:fence overlap:fence control:fence"
# A sweep is long on the machine's clock.
# shellcheck disable=SC2034
TIMEOUT=7200

# sweep WAY: sets STATUS to how it ended
sweep() {
	local path seed rounds
	seed=$(parameter lab.seed 1)
	rounds=$(parameter lab.rounds 25)
	ghost sweep plan --seed "$seed" --rounds "$rounds" >/tmp/plan
	target_start
	fence_load_as "$1" || bail "the module does not load"
	for path in 1 2; do
		proxy_start $path
		path_connect $path "$(sed -n "s/^path $path: //p" /tmp/plan)"
	done
	DEVICE=$(head_device)
	trace_start
	mkdir /tmp/reports
	STATUS=0
	ghost sweep run --seed "$seed" --rounds "$rounds" --device "$DEVICE" --reports /tmp/reports \
		--path "/run/path1,$(path_ctrl 1)" --path "/run/path2,$(path_ctrl 2)" \
		>/tmp/sweep.txt 2>/tmp/sweep.err || STATUS=$?
	trace_stop
	diag "$(sed -n '/^sweep: /p' /tmp/sweep.txt) records_released=$(trace_count ' nvme_fence_release: ')"
	diag "trace $(sha256sum <"$TRACE/trace" | cut -c1-16), $(grep -vc '^#' "$TRACE/trace") events"
	diag "reports $(cat /tmp/reports/* /tmp/sweep.txt | sha256sum | cut -c1-16), $(now_ms) ms"
	cp -r /tmp/plan /tmp/sweep.txt /tmp/sweep.err /tmp/reports /out
}

sum() { sed -n "s/^sweep: .* $1=\([0-9]*\).*/\1/p" /tmp/sweep.txt; }

# fenced WAY
fenced() {
	sweep "$1"
	expect_eq "no ghost write, no lost write, no failed write" 0 "$STATUS"
	[ "$STATUS" = 0 ] || diag "$(tail -n 20 /tmp/sweep.err)"
	check "paths were lost, and writes held" [ "$(sum held)" -gt 0 ]
	expect_eq "all that was held was released" "$(sum held)" "$(sum released)"
	expect_eq "nothing is held now" "0 0" "$(fence_attr 1 held) $(fence_attr 2 held)"
}

variant_time() {
	plan 4
	fenced time
}

variant_ccr() {
	plan 5
	fenced auto
	check "paths were reset" [ "$(trace_count ' nvme_fence_release: .*evidence=ccr')" -gt 0 ]
}

# Newer writes wait, but for those that are sent before their path is closed.
variant_overlap() {
	plan 5
	fenced overlap
	check "cancelled writes went on at once" [ "$(trace_count ' nvme_fence_track: ')" -gt 0 ]
}

variant_control() {
	plan 2
	sweep off
	check "ghost writes are there" [ "$STATUS" = 1 ]
	[ "$STATUS" = 1 ] || diag "$(tail -n 20 /tmp/sweep.err)"
	expect_eq "nothing was held" 0 "$(sum held)"
}
