//! The table of all commands: their names and how many arguments they take. Does nothing itself.
use super::reply::End;

/// What is to be done, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    Auth,
    Client,
    Table,
    Config,
    Dbsize,
    Del,
    Echo,
    Exists,
    Get(End),
    GetOrWait(End),
    Hello,
    Info,
    Keys,
    Lindex,
    Llen,
    Lrange,
    Ping,
    Put(End),
    QDeclare,
    QList,
    QPut,
    QStat,
    Quit,
    Reset,
    Select,
    Time,
    Type,
}

/// A command's name and how many arguments it takes, its name included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spec {
    pub name: &'static str,
    pub command: Command,
    pub least: usize,
    pub most: usize,
}

const ANY: usize = usize::MAX;
/// How many commands the table has (`COMMAND COUNT`).
pub(super) const COMMANDS: usize = 31;

#[rustfmt::skip]
fn lookup(upper: &[u8]) -> Option<Spec> {
    use Command as C;
    let (name, command, least, most) = match upper {
        b"RPUSH" => ("rpush", C::Put(End::Right), 3, ANY),
        b"LPUSH" => ("lpush", C::Put(End::Left), 3, ANY),
        b"LPOP" => ("lpop", C::Get(End::Left), 2, 3),
        b"RPOP" => ("rpop", C::Get(End::Right), 2, 3),
        b"BLPOP" => ("blpop", C::GetOrWait(End::Left), 3, ANY),
        b"BRPOP" => ("brpop", C::GetOrWait(End::Right), 3, ANY),
        b"Q.PUT" => ("q.put", C::QPut, 4, ANY),
        b"LLEN" => ("llen", C::Llen, 2, 2),
        b"PING" => ("ping", C::Ping, 1, 2),
        b"LRANGE" => ("lrange", C::Lrange, 4, 4),
        b"LINDEX" => ("lindex", C::Lindex, 3, 3),
        b"DEL" => ("del", C::Del, 2, ANY),
        b"UNLINK" => ("unlink", C::Del, 2, ANY),
        b"EXISTS" => ("exists", C::Exists, 2, ANY),
        b"TYPE" => ("type", C::Type, 2, 2),
        b"KEYS" => ("keys", C::Keys, 2, 2),
        b"DBSIZE" => ("dbsize", C::Dbsize, 1, 1),
        b"Q.DECLARE" => ("q.declare", C::QDeclare, 2, ANY),
        b"Q.STAT" => ("q.stat", C::QStat, 2, 2),
        b"Q.LIST" => ("q.list", C::QList, 1, 2),
        b"HELLO" => ("hello", C::Hello, 1, ANY),
        b"AUTH" => ("auth", C::Auth, 2, 3),
        b"ECHO" => ("echo", C::Echo, 2, 2),
        b"SELECT" => ("select", C::Select, 2, 2),
        b"QUIT" => ("quit", C::Quit, 1, ANY),
        b"RESET" => ("reset", C::Reset, 1, 1),
        b"CLIENT" => ("client", C::Client, 2, ANY),
        b"COMMAND" => ("command", C::Table, 1, ANY),
        b"INFO" => ("info", C::Info, 1, ANY),
        b"CONFIG" => ("config", C::Config, 2, ANY),
        b"TIME" => ("time", C::Time, 1, 1),
        _ => return None,
    };
    Some(Spec { name, command, least, most })
}

/// The command of a name, however it is written.
pub(super) fn find(name: &[u8]) -> Option<Spec> {
    let mut upper = [0u8; 16];
    let upper = upper.get_mut(..name.len())?;
    for (to, from) in upper.iter_mut().zip(name) {
        *to = from.to_ascii_uppercase();
    }
    lookup(upper)
}

/// True when an argument is that word, however it is written.
pub(super) fn text_is(arg: &[u8], word: &str) -> bool {
    arg.eq_ignore_ascii_case(word.as_bytes())
}
