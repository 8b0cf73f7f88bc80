"""One tree of errors. Each says what went wrong and what to do next.

SRTError
├── ProjectError      the project file: missing, foreign, newer, held by another process
├── DatasetError      a file that cannot be read or written, a mapping that does not fit
├── TemplateError     a prompt template or reflection prompt that cannot be used
├── StudentError      a student that cannot be loaded or run
│   └── ChatRefusedError   its chat template refuses a conversation; another one may pass
├── TeacherError      one teacher call that failed
│   └── TeacherStopError   no further call can succeed: wrong key, unknown model, no connection
├── PolicyError       a policy that does not exist or has a value out of range
├── DecisionError     a decision that cannot be taken, such as choosing a candidate that is not there
├── PeopleError       a name, role or password that cannot be taken, a file of people that cannot be read
├── RoleError         something that only an owner may do
├── AccessError       a file, variable, host or hub name that may not be named at the screens
└── ExportError       an export that could not be written or did not read back the same
"""


class SRTError(Exception):
    """An error with a message that says what happened and a hint that says what to do next."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class ProjectError(SRTError):
    """The project file is missing, is no project, is newer than this version, or is held by another process."""


class DatasetError(SRTError):
    """A data file cannot be read or written, or a column mapping does not fit it."""


class TemplateError(SRTError):
    """A student template or a reflection prompt file cannot be used."""


class StudentError(SRTError):
    """A student model cannot be loaded or run."""


class ChatRefusedError(StudentError):
    """A tokenizer's chat template refuses a conversation, such as one with a system text."""


class TeacherError(SRTError):
    """One teacher call failed; others may still succeed."""


class TeacherStopError(TeacherError):
    """A teacher call failed in a way that every further call would: the run must stop."""


class PolicyError(SRTError):
    """A policy does not exist or one of its values is out of range."""


class DecisionError(SRTError):
    """A decision cannot be taken as asked."""


class PeopleError(SRTError):
    """A name, role or password cannot be taken, or the file of people cannot be used."""


class RoleError(SRTError):
    """Only an owner may do that."""


class AccessError(SRTError):
    """What may not be named at the screens of this server."""


class ExportError(SRTError):
    """An export could not be written, or did not read back as written."""
