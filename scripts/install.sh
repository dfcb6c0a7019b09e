# Shared by scripts/quickstart and scripts/test (sourced; plain POSIX sh): put simnorm and the
# packages of a lock file into .venv in the project folder. Nothing else is changed, all messages
# go to stderr, and a call that finds everything in place returns within milliseconds.
#
#   root=/path/to/project
#   . "$root/scripts/install.sh"
#   install_simnorm core    what simnorm needs (requirements.lock)
#   install_simnorm dask    and Dask, for a cluster (requirements-dask.lock)
#   install_simnorm dev     all that and the tools for working on it (requirements-dev.lock)
#   install_torch           and PyTorch, which is too large for the locks, on top of either

# .venv/simnorm-install tells how far the last installation came. Its only line is `begun` until
# everything is done; then the lines are the level (core, dask or dev), the home (Python and folder), a
# checksum of what was asked for, and the names of what was installed, to notice when some of it is
# gone. A .venv without this file was made by other means: it is filled up, not replaced.

say() { printf 'simnorm: %s\n' "$*" >&2; }

die() {
    say "$*"
    exit 1
}

install_simnorm() {
    asked_level=$1
    venv=$root/.venv
    read_state
    # Dask and development tools once installed stay installed.
    case $level-$asked_level in dev-* | dask-core) asked_level=$level ;; esac
    home_now=$(find_home)
    sum_now=$(cat "$root/pyproject.toml" "$root"/requirements*.lock | cksum)

    if [ -z "$missing" ] && [ -n "$home_now" ] && [ "$home" = "$home_now" ]; then
        [ "$level $sum" != "$asked_level $sum_now" ] || return 0
        say "bringing .venv up to date"
    elif [ -z "$level" ] && [ -n "$home_now" ]; then
        say "installing into the .venv that is here already"
    else
        [ ! -e "$venv" ] || say ".venv is incomplete or was moved: making it again"
        # In a subshell: the settings it clears are still the user's when simnorm itself runs.
        (clear_settings && make_venv) || exit 1
    fi
    (clear_settings && fill_venv) || exit 1
    write_state
    say "installed"
}

# What some studies need is too large for the locks. It comes on top, in one version, and moves
# nothing that a lock has put there; what is there already is not fetched again. More requirements
# may be named: install_torch keras==3.15.1
torch=torch==2.13.0
install_torch() (
    clear_settings
    venv=$root/.venv
    installed=$("$venv/bin/python" -I -c 'import importlib.metadata as m
print(*(f"{d.name}=={d.version.partition(chr(43))[0]}" for d in m.distributions()), "")')
    wanted=''
    # Any PyTorch that is there will do.
    case " $installed" in *" torch=="*) ;; *) wanted=" $torch" ;; esac
    for one in "$@"; do
        case " $installed" in *" $one "*) ;; *) wanted="$wanted $one" ;; esac
    done
    [ -n "$wanted" ] || return 0
    say "installing$wanted into .venv, once: about 800 MB (several GB where it brings what NVIDIA's cards need)"
    run_pip freeze --exclude-editable >"$venv/held.txt" || return 1
    # shellcheck disable=SC2086  # several words are several requirements
    logged_pip install --only-binary :all: --constraint "$venv/held.txt" $wanted || {
        tail -n 6 "$venv/install.log" >&2
        say "PyTorch could not be installed; everything pip said is in $venv/install.log"
        return 1
    }
)

# Sets level, home, sum; and missing, to the first installed name that is gone.
read_state() {
    level='' home='' sum='' missing=''
    [ -r "$venv/simnorm-install" ] || return 0
    {
        IFS= read -r level
        IFS= read -r home
        IFS= read -r sum
        while IFS= read -r name; do
            [ -e "$venv/$name" ] || missing=${missing:-$name}
        done
    } <"$venv/simnorm-install" || :
}

write_state() (
    cd "$venv" || exit 1
    {
        printf '%s\n' "$asked_level" "$(find_home)" "$sum_now"
        for name in bin/* lib/python*/site-packages/*; do
            case $name in
                *__pycache__ | *.dist-info) ;; # other names after an upgrade by hand
                # What came along with pip is not simnorm's, and torch puts another one in its place.
                */setuptools | */pkg_resources | */_distutils_hack | */distutils-precedence.pth) ;;
                *) printf '%s\n' "$name" ;;
            esac
        done
    } >simnorm-install.new
    mv simnorm-install.new simnorm-install
)

# The Python of .venv and the folder it was made in (its programs know both by full path); nothing
# where that Python does not run or is too old.
find_home() {
    "$venv/bin/python" -I -S -c 'import sys
version = sys.version_info[:3]
sys.exit(1) if version < (3, 11) else print(*version, sys.base_prefix, *sys.argv[1:])' \
        "$root" 2>/dev/null || :
}

# A user's own settings for Python and pip must not lead the packages elsewhere. Where pip looks
# for packages is left alone.
clear_settings() {
    unset PYTHONHOME PYTHONPATH PIP_PREFIX PIP_TARGET PIP_USER PIP_REQUIRE_VIRTUALENV
}

make_venv() {
    find_python
    case $asked_level in
        core | dask) say "installing into .venv, once: about 770 MB on disk, a few minutes" ;;
        dev) say "installing into .venv, once: about 850 MB on disk, a few minutes" ;;
    esac
    rm -rf "$venv" && mkdir "$venv" && echo begun >"$venv/simnorm-install" ||
        die "cannot write to $venv"
    "$python" -m venv --without-pip "$venv" >&2 || die "$python could not make $venv"
}

# Sets python: the first one that is new enough and has a way to install packages.
find_python() {
    without_pip=''
    for python in python3 python3.14 python3.13 python3.12 python3.11; do
        # A command can exist and not run: version managers leave such stubs.
        "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        "$python" -c 'import venv, ensurepip' 2>/dev/null && return
        # pip can fill another Python's folder from version 22.3 on.
        "$python" -c 'import venv, pip, sys
sys.exit([int(n) for n in pip.__version__.split(".")[:2]] < [22, 3])' 2>/dev/null && return
        without_pip=${without_pip:-$python}
    done
    [ -z "$without_pip" ] ||
        die "$without_pip lacks venv and pip. On Debian or Ubuntu: apt install python3-venv; then run this again."
    die "found no Python 3.11 or newer (tried python3, python3.14 ... python3.11). Install one, then run this again."
}

# Set the arguments of a call to pip before it: run_pip install ...
run_pip() {
    if ! "$venv/bin/python" -I -c 'import pip' 2>/dev/null &&
        ! "$venv/bin/python" -I -m ensurepip >/dev/null 2>&1; then
        # Debian keeps ensurepip in the package python3-venv; a pip outside .venv does as well.
        find_python
        "$python" -m pip --python "$venv/bin/python" "$@"
        return
    fi
    "$venv/bin/python" -I -m pip "$@"
}

fill_venv() {
    echo begun >"$venv/simnorm-install" || die "cannot write to $venv"
    : >"$venv/install.log"
    case $asked_level in
        core) lock=$root/requirements.lock ;;
        dask) lock=$root/requirements-dask.lock ;;
        dev) lock=$root/requirements-dev.lock ;;
    esac
    # Only ready-made packages: what pip would build itself would need tools that no hash covers.
    logged_pip install --require-hashes --only-binary :all: --no-deps -r "$lock" &&
        logged_pip install --no-deps --no-build-isolation --no-index -e "$root" || {
        tail -n 6 "$venv/install.log" >&2
        die "the installation failed; everything pip said is in $venv/install.log"
    }
}

# pip with its words in the log and one line per large download on stderr (one line that changes,
# where stderr is a terminal).
logged_pip() {
    {
        run_pip --disable-pip-version-check --no-input "$@" --progress-bar off </dev/null 2>&1
        echo "pip ended with $?"
    } | {
        while IFS= read -r line; do
            printf '%s\n' "$line" >>"$venv/install.log"
            case $line in
                *"Downloading "*" ("*) show_download "${line#*Downloading }" ;;
                "Installing collected"*,*) show "unpacking (the longest part)" ;;
                "pip ended with "*)
                    show ''
                    exit "${line##* }"
                    ;;
            esac
        done
        exit 1 # no pip could be started
    }
}

# show_download "numpy-2.4.6-cp311-....whl (18.0 MB)" shows "numpy 2.4.6 (18.0 MB)".
show_download() {
    version=${1#*-}
    show "${1%%-*} ${version%%-*} (${1##*(}"
}

show() {
    if [ -t 2 ] && [ "${TERM:-dumb}" != dumb ]; then
        printf '\r\033[K%s' "${1:+  $1}" >&2
    else
        case $1 in "" | *"kB)") ;; *) printf '  %s\n' "$1" >&2 ;; esac
    fi
}
