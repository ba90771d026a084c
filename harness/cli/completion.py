"""``vgic-race completion SHELL``: a script that completes commands, options and names.

The names stand in the script itself, so that a key press starts no Python. Words are found by one
function in the language that all POSIX shells share; bash and zsh only differ in how they ask it.
"""

import shlex
from collections.abc import Iterator

import click

from harness.catalogue.names import names, topics
from harness.cli.options import EPILOG

__all__ = ["SHELLS", "command", "script"]

SHELLS = ("bash", "zsh", "fish")
Path = tuple[str, ...]

BY_PARAMETER = {
    "variant": "variant", "variants": "variant", "scenario": "scenario", "scenarios": "scenario",
    "strategy": "strategy", "rules": "rule", "events": "event", "event": "event",
}  # fmt: skip
"""What a parameter is the name of, where its type does not say."""
WITH_COMMAS = ("rules", "events")
FILES = "<files>"
"""Stands for whatever files there are."""


@click.command("completion", epilog=EPILOG)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(ctx: click.Context, shell: str) -> int:
    """Print a script that completes command lines in SHELL.

    bash: vgic-race completion bash > ~/.local/share/bash-completion/completions/vgic-race

    zsh: vgic-race completion zsh > a folder of fpath, as _vgic-race

    fish: vgic-race completion fish > ~/.config/fish/completions/vgic-race.fish
    """
    group = ctx.find_root().command
    assert isinstance(group, click.Group)
    click.echo(script(group, shell), nl=False)
    return 0


def script(group: click.Group, shell: str) -> str:
    """Return the script for a shell."""
    commands = list(walk(group, ()))
    if shell == "fish":
        return "".join(f"{line}\n" for line in fish(commands))
    text = SHARED.replace("@CASES@", cases(commands))
    return text + BASH if shell == "bash" else f"#compdef vgic-race\n{text}{ZSH}"


def walk(command: click.Command, path: Path) -> Iterator[tuple[Path, click.Command]]:
    """Yield a command and those in it, each with the words that name it."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None and not inner.hidden:
                yield from walk(inner, (*path, name))


# -- what can be written ---------------------------------------------------------------------------


def values(path: Path, param: click.Parameter) -> list[str]:
    """Return the words that a parameter may be; [FILES] where it is, or may be, a file."""
    from harness.cli.list import KINDS as LISTS
    from harness.spec import CHOICES, KNOBS

    name = param.name or ""
    if isinstance(param.type, click.Choice):
        return [str(choice) for choice in param.type.choices]
    if path == ("list",):
        kinds = ("rule", "variant", "finding", "scenario", "knob")
        return [*LISTS, *(each for kind in kinds for each in names(kind))]
    if path == ("help",):
        return topics()
    if name == "knobs":
        return [f"{knob}={value}" for knob in KNOBS for value in CHOICES.get(knob, ("",))]
    if name in BY_PARAMETER:
        known = names(BY_PARAMETER[name])
        more = {"rules": ["guest", "kvm"], "variant": [FILES], "variants": [FILES]}
        return [*more.get(name, []), *known]
    if isinstance(param.type, click.types.IntParamType | click.types.FloatParamType):
        return []
    return [FILES]


def options(command: click.Command) -> list[str]:
    """Return the options of a command, the long names only, and help."""
    found = [
        max(param.opts, key=len)
        for param in command.params
        if isinstance(param, click.Option) and not param.hidden
    ]
    return [*found, "--help"]


def words(path: Path, command: click.Command) -> list[str]:
    """Return what may follow a command that is no option: its commands, or its arguments."""
    if isinstance(command, click.Group):
        return command.list_commands(click.Context(command))
    found: dict[str, None] = {}
    for param in command.params:
        if isinstance(param, click.Argument):
            found.update(dict.fromkeys(values(path, param)))
    return list(found)


def cases(commands: list[tuple[Path, click.Command]]) -> str:
    """Return the branches that say what follows which words."""
    lines = []
    for path, command in commands:
        where = " ".join(path)
        rows = [("", words(path, command)), ("-", options(command))]
        for param in command.params:
            if isinstance(param, click.Option) and not param.is_flag:
                rows += [(option, values(path, param)) for option in param.opts]
        for what, known in rows:
            lines.append(f"    {shlex.quote(f'{where}:{what}')}) printf '%s\\n'")
            lines[-1] += "".join(f" {shlex.quote(word)}" for word in known) or " ''"
            lines[-1] += " ;;"
    return "\n".join(lines)


def fish(commands: list[tuple[Path, click.Command]]) -> Iterator[str]:
    """Yield the lines of fish's script."""
    yield "complete -c vgic-race -f"
    for path, command in commands:
        seen = "; and ".join(f"__fish_seen_subcommand_from {word}" for word in path)
        if isinstance(command, click.Group):
            inner = " ".join(command.list_commands(click.Context(command)))
            last = f"not __fish_seen_subcommand_from {inner}"
            seen = f"{seen}; and {last}" if seen else "__fish_use_subcommand"
        given = f"complete -c vgic-race -n {shlex.quote(seen)}"
        known = words(path, command)
        yield f"{given} {fish_values(known)}"
        for param in command.params:
            if isinstance(param, click.Option) and not param.hidden:
                opts = "".join(
                    f" -l {o[2:]}" if o.startswith("--") else f" -s {o[1:]}" for o in param.opts
                )
                takes = "" if param.is_flag else f" -r {fish_values(values(path, param))}"
                yield f"{given}{opts}{takes}"


def fish_values(known: list[str]) -> str:
    """Return the arguments that offer words, and files where these may stand."""
    files = " -F" if FILES in known else ""
    listed = " ".join(word for word in known if word != FILES)
    return f"-a {shlex.quote(listed)}{files}" if listed or not files else files.strip()


# -- the scripts -----------------------------------------------------------------------------------

SHARED = r"""# Completion for vgic-race. Printed by `vgic-race completion`.

# What may follow words: lines, <files> for files. Fails where these words are nothing.
_vgic_race_after() {
  case "$1" in
@CASES@
    *) return 1 ;;
  esac
}

# What may stand for the last of these words.
_vgic_race_words() {
  _vgic_path="" _vgic_option=""
  while [ $# -gt 1 ]; do
    if [ -n "$_vgic_option" ]; then
      _vgic_option=""
    else
      case "$1" in
        -*)
          case "$1" in
            *=*) ;;
            *) _vgic_race_after "$_vgic_path:$1" > /dev/null && _vgic_option="$1" ;;
          esac ;;
        *)
          if _vgic_race_after "$_vgic_path${_vgic_path:+ }$1:-" > /dev/null; then
            _vgic_path="$_vgic_path${_vgic_path:+ }$1"
          fi ;;
      esac
    fi
    shift
  done
  if [ -n "$_vgic_option" ]; then
    _vgic_race_after "$_vgic_path:$_vgic_option"
    return
  fi
  case "$1" in
    -*) _vgic_race_after "$_vgic_path:-" ;;
    *) _vgic_race_after "$_vgic_path:" ;;
  esac
}
"""
BASH = r"""
_vgic_race() {
  local line=${COMP_LINE:0:COMP_POINT} before cut known word
  local -a given
  # Bash divides words at = and :, too; here they are divided at spaces alone.
  read -ra given <<< "$line"
  [[ $line == *[[:space:]] ]] && given+=("")
  word=${given[-1]}
  known=$(_vgic_race_words "${given[@]:1}")
  before=""
  [[ $word == *,* ]] && before=${word%,*},
  local IFS=$'\n'
  COMPREPLY=($(compgen -W "${known//<files>/}" -- "${word#"$before"}"))
  if [[ $known == *"<files>"* ]]; then
    COMPREPLY+=($(compgen -f -- "$word"))
    compopt -o filenames 2> /dev/null
  fi
  COMPREPLY=("${COMPREPLY[@]/#/$before}")
  [[ ${#COMPREPLY[@]} -eq 1 && -z ${COMPREPLY[0]} ]] && COMPREPLY=()
  # What stands before the last = or : is on the line already.
  cut=${word%"${word##*[=:]}"}
  [[ -n $cut ]] && COMPREPLY=("${COMPREPLY[@]#"$cut"}")
  [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2> /dev/null
  return 0
}
complete -F _vgic_race vgic-race
"""
ZSH = r"""
_vgic_race() {
  local known
  known=$(_vgic_race_words "${(@)words[2,CURRENT]}")
  compadd -- ${${(f)known}:#<files>}
  [[ $known == *"<files>"* ]] && _files
  return 0
}
if [ "$funcstack[1]" = "_vgic-race" ]; then _vgic_race "$@"; else compdef _vgic_race vgic-race; fi
"""
