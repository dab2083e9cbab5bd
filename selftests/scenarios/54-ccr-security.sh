# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The kernel's target resets no controller through one whose host did not have to prove as
# much as that of the impacted one. The paths are those of one host: path 1 is secure, path 2
# is not, path 3 is again. Nothing is said of it, but an entry "failed" in the log.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="a controller is not reset through one that is less secure"
# shellcheck disable=SC2034
VARIANTS="dhchap:fence tls:fence"

KEY='DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:'
FAILED=2 SUCCESS=1
# V and CLRI; and RETRY: on another controller than this one
DONE=3 ELSEWHERE=8

# refused_and_accepted: path 1 through path 2; then through path 3, and path 2 as well
refused_and_accepted() {
	local secure
	secure=$(path_ctrl 3) SOURCE=$(path_ctrl 2)
	remember 1
	remember 2
	# shellcheck disable=SC2154 # remember sets them
	expect_eq "through the weaker one a reset is accepted" accepted "$(ccr_of 1)"
	expect_eq "and has failed" "$ICID1 $CIU1 65535 $FAILED $ELSEWHERE" "$(ccr_log --rae)"
	sleep 1
	check "the controller lives" lives 1
	expect_eq "it can be asked for again" accepted "$(ccr_of 1)"
	expect_eq "in vain" "$ICID1 $CIU1 65535 $FAILED $ELSEWHERE" "$(ccr_log)"
	SOURCE=$secure
	expect_eq "through one that is as secure it is accepted" accepted "$(ccr_of 1)"
	check "and done" await 5 eval \
		'[ "$(ccr_log --rae)" = "$ICID1 $CIU1 65535 $SUCCESS $DONE" ]'
	expect_eq "so is a reset of the weaker one" accepted "$(ccr_of 2)"
	check "and done, too" await 5 eval '[ "$(ccr_of 2)" = gone ]'
}

variant_dhchap() {
	local host="$TARGET/hosts/$HOSTNQN"
	plan 10
	target_start
	mkdir "$host"
	echo 0 >"$TARGET/subsystems/$NQN/attr_allow_any_host"
	ln -s "$host" "$TARGET/subsystems/$NQN/allowed_hosts/$HOSTNQN"
	connect_to 2 127.0.0.2 reconnect_delay=600
	echo "$KEY" >"$host/dhchap_key"
	connect_to 1 127.0.0.1 "reconnect_delay=600,dhchap_secret=$KEY"
	connect_to 3 127.0.0.1 "duplicate_connect,dhchap_secret=$KEY"
	expect_eq "two are authenticated" 2 \
		"$(dmesg | grep -c 'Created nvm controller .* with DH-HMAC-CHAP')"
	refused_and_accepted
	for path in 1 2 3; do
		path_disconnect $path
	done
	rm "$TARGET/subsystems/$NQN/allowed_hosts/$HOSTNQN"
	rmdir "$host"
}

variant_tls() {
	plan 10
	target_subsystem
	target_port 1
	target_port_tls 1
	target_port 2
	tls_start
	connect_to 2 127.0.0.2 reconnect_delay=600
	connect_to 1 127.0.0.1 tls,reconnect_delay=600
	connect_to 3 127.0.0.1 tls,duplicate_connect
	expect_eq "two have TLS" 2 "$(dmesg | grep -c 'Created nvm controller .*, TLS\.$')"
	refused_and_accepted
}
