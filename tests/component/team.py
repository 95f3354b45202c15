"""A vault that several homes share, each with a keyholder of its own, and no engine: what is new is carried by hand."""

import os
import shutil
from pathlib import Path

from envfs.daemon.keyholder_process import KeyholderLink
from envfs.protocol import control
from envfs.service.keys.identity import load_identity
from envfs.service.maintenance.joining import join_vault
from envfs.service.members.approving import approve_member, waiting
from envfs.service.members.inviting import invite_member
from envfs.service.members.listing import load_members
from envfs.service.members.revoking import revoke_member
from tests.component.world import ME, World, memory, run

WEEK = 7 * 86_400
SHARED = ("vault.toml", "member", "key", "tombstone", "level", "tree")

NAMES = ("ana", "ben", "cai")


class Team:
    """Homes by name. The first one has the founder."""

    def __init__(self, folder: Path, links: dict[str, KeyholderLink]) -> None:
        """Open each home that is below `folder`."""
        self.worlds = {name: World(folder / name, link) for name, link in links.items()}

    def __getitem__(self, name: str) -> World:
        """Return a home."""
        return self.worlds[name]

    def close(self) -> None:
        """Close all homes."""
        for world in self.worlds.values():
            world.close()

    def vault(self, name: str) -> Path:
        """Return the folder of a home's vault."""
        return Path(self[name].places.vault)

    def carry(self, source: str, target: str, *tops: str) -> None:
        """Put what the target lacks there, as an engine would: nothing that is there is replaced. All, or `tops`."""
        for top in tops or SHARED:
            start = self.vault(source) / top
            for path in [start] if start.is_file() else sorted(start.rglob("*")):
                place = self.vault(target) / path.relative_to(self.vault(source))
                if path.is_file() and not place.exists():
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(path, place)

    def found(self, **others: control.InviteMember) -> None:
        """Make the founder's vault with texts, and let the others in."""
        first = next(iter(self.worlds))
        run(self[first].fill)
        for name, invitation in others.items():
            self.let_in(first, name, invitation)
        for name in others:
            self.carry(first, name)

    def invited(self, by: str, invitation: control.InviteMember) -> bytes:
        """Invite somebody. Return the code."""
        where = os.memfd_create("envfs-test", os.MFD_CLOEXEC)
        run(lambda: invite_member(self[by].service, ME, invitation, (where,)))
        code = os.pread(where, 100, 0)
        os.close(where)
        return code

    def joined(self, name: str, code: bytes) -> control.Joined:
        """Join with a code."""
        world, handle = self[name], memory(code)
        try:
            path = str(world.folder / "identity.txt")
            return run(lambda: join_vault(world.service, ME, control.JoinVault(path), (handle,)))
        finally:
            os.close(handle)

    def let_in(self, by: str, name: str, invitation: control.InviteMember) -> None:
        """Invite, join, approve."""
        code = self.invited(by, invitation)
        self.carry(by, name)
        joined = self.joined(name, code)
        self.carry(name, by)
        run(lambda: approve_member(self[by].service, ME, invitation.name, joined.fingerprint))

    def unlock(self, *names: str) -> None:
        """Give the keyholders of these homes, or of all, their identities."""
        for name in names or tuple(self.worlds):
            run(lambda name=name: load_identity(self[name].service, ()))  # type: ignore[misc]

    def revoke(self, by: str, name: str, *, rekey: bool = True) -> list[str]:
        """Revoke a member."""
        return run(lambda: revoke_member(self[by].service, ME, control.RevokeMember(name, rekey=rekey)))

    def write(self, name: str, level: str, text: str) -> int:
        """Write a level."""
        return run(lambda: self[name].write(level, text))

    def read(self, name: str, level: str) -> str:
        """Return a level's view, or the code of the refusal."""
        sent = run(lambda: self[name].sent(control.ReadView(level, "dotenv", "show")))
        return sent.reply.code if isinstance(sent.reply, control.Failed) else sent.blob.decode()

    def waiting(self, by: str) -> list[str]:
        """Return the names of those who wait to be let in."""
        return [name for name, _, _ in waiting(run(lambda: load_members(self[by].service)))]


def reopened(stocked: Path, folder: Path, links: dict[str, KeyholderLink]) -> Team:
    """Return a copy of a team's homes in another folder, unlocked."""
    shutil.copytree(stocked, folder, dirs_exist_ok=True)
    for name in links:
        settings = folder / name / "home" / "envfs.toml"
        settings.write_text(settings.read_text().replace(str(stocked), str(folder)))
        settings.chmod(0o600)
    team = Team(folder, links)
    team.unlock()
    return team


def invitation(name: str, role: str = "writer", *levels: str) -> control.InviteMember:
    """Return an invitation for a week."""
    return control.InviteMember(name, role, levels or (() if role in ("owner", "admin") else ("/",)), seconds=WEEK)


def settled(world: World) -> None:
    """Make a home one that may join again: without its identity."""
    (world.folder / "identity.txt").unlink()
    settings = Path(world.places.settings)
    lines = [line for line in settings.read_text().splitlines() if not line.startswith("founder")]
    settings.write_text("\n".join(lines) + "\n")
    settings.chmod(0o600)
    os.utime(settings, (1, 1))
