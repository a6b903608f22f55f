# What scripts/demo and scripts/test share: a Python, what is missing from the system, a virtual environment. Source it.

say() { printf '== %s\n' "$*"; }
stop() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# install_system COMMAND:PACKAGE...   installs the packages whose commands are missing; only root with apt can.
install_system() {
    local pair packages=() commands=()
    for pair in "$@"; do
        command -v "${pair%%:*}" >/dev/null || { packages+=("${pair#*:}"); commands+=("${pair%%:*}"); }
    done
    [ ${#packages[@]} -eq 0 ] && return
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        stop "missing: ${commands[*]} - install, as root: apt-get install ${packages[*]}"
    fi
    say "installing ${packages[*]}"
    DEBIAN_FRONTEND=noninteractive apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
}

# find_python   prints a Python of version 3.11 or later: $PYTHON, else python3, else the newest that is installed.
find_python() {
    local name
    for name in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    stop "Python 3.11 or later was not found - install it, or name it: PYTHON=/path/to/python $0"
}

# make_venv DIRECTORY PYTHON   a virtual environment with pip, made if there is none that works.
make_venv() {
    local directory="$1" python="$2" version
    if "$directory/bin/python" -m pip --version >/dev/null 2>&1; then return; fi
    rm -rf "$directory"
    say "making the virtual environment $directory with $("$python" --version)"
    if "$python" -m venv "$directory" >/dev/null 2>&1; then return; fi
    rm -rf "$directory"
    version="$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')"
    # Debian and Ubuntu keep venv in a package of its own.
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "installing $version-venv"
        DEBIAN_FRONTEND=noninteractive apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$version-venv" >/dev/null
        "$python" -m venv "$directory" && return
    fi
    stop "no virtual environment could be made - install, as root: apt-get install $version-venv"
}

# fingerprint TEXT   changes with the requirements, the Python and TEXT: an environment with the same one is up to date.
fingerprint() { { cat pyproject.toml constraints.txt; printf '%s\n' "$PWD" "$@"; } | sha256sum | cut -d' ' -f1; }

# up_to_date DIRECTORY FINGERPRINT   whether the environment was filled for this fingerprint.
up_to_date() { [ "$(cat "$1/.fingerprint" 2>/dev/null)" = "$2" ]; }
mark_up_to_date() { printf '%s' "$2" >"$1/.fingerprint"; }
