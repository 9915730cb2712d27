# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Completion of behalf's command line for bash. Verbs and options are taken from what the program itself
# says with --help, so there is no second list to keep true.

# _behalf_options PROGRAM [VERB]: the long options of it, one per line. --help need not tell of itself.
_behalf_options() {
	{
		"$@" --help 2>/dev/null | grep -oE -- '(^|[ ,|[])--[a-z][a-z-]*' | tr -d ' ,|['
		echo --help
	} | sort -u
}

_behalf_verbs() {
	"$1" --help 2>/dev/null | sed -n '/^Verbs:/,$s/^  \([a-z]\{1,\}\) .*/\1/p'
}

# Ids of containers under the root that the line names.
_behalf_ids() {
	"$@" list -q 2>/dev/null
}

_behalf() {
	local program=${COMP_WORDS[0]} current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local verb='' root=() i
	COMPREPLY=()

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--root)
			root=(--root "${COMP_WORDS[i + 1]}")
			i=$((i + 1))
			;;
		--log | --log-format | --log-level | --cgroup-manager | --rootless | --criu) i=$((i + 1)) ;;
		-*) ;;
		*)
			verb=${COMP_WORDS[i]}
			break
			;;
		esac
	done

	case $previous in
	--root | --bundle | -b | --rootfs | --workdir | --scratch)
		mapfile -t COMPREPLY < <(compgen -d -- "$current")
		return
		;;
	--log | --profile | --textfile | --unix | --pid-file | --console-socket | --pidfd-socket | --process | -p | --config | --resources | --output)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	--log-format)
		mapfile -t COMPREPLY < <(compgen -W 'text json' -- "$current")
		return
		;;
	--log-level)
		mapfile -t COMPREPLY < <(compgen -W 'error warning info debug' -- "$current")
		return
		;;
	--cgroup-manager)
		mapfile -t COMPREPLY < <(compgen -W 'cgroupfs systemd disabled' -- "$current")
		return
		;;
	--device)
		mapfile -t COMPREPLY < <(compgen -W "$(ls /sys/class/net 2>/dev/null)" -- "$current")
		return
		;;
	--only)
		mapfile -t COMPREPLY < <(compgen -W 'bridge local forward uplink macvlan device host disk' -- "$current")
		return
		;;
	--net-path)
		mapfile -t COMPREPLY < <(compgen -W 'bridge device host macvlan none' -- "$current")
		return
		;;
	--net-strict)
		mapfile -t COMPREPLY < <(compgen -W 'debt drop threaded' -- "$current")
		return
		;;
	--without)
		mapfile -t COMPREPLY < <(compgen -W 'polls sockets timers work block none' -- "$current")
		return
		;;
	--net)
		mapfile -t COMPREPLY < <(compgen -W 'none host private' -- "$current")
		return
		;;
	esac

	local words
	case $verb,$current in
	,-*) words=$(_behalf_options "$program") ;;
	,*) words=$(_behalf_verbs "$program") ;;
	*,-*) words=$(_behalf_options "$program" "$verb") ;;
	ledger,*) words='on off upgrade status' ;;
	keeper,*) words=status ;;
	terms,*) words="set unset show list $(_behalf_ids "$program" "${root[@]}")" ;;
	mounts,*) words="add remove $(_behalf_ids "$program" "${root[@]}")" ;;
	start,* | state,* | kill,* | delete,* | exec,* | stat,* | who,* | ps,* | pause,* | resume,* | update,* | events,*)
		words=$(_behalf_ids "$program" "${root[@]}")
		;;
	*)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _behalf behalf
