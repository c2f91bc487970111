//! A redemption: from what is known of a code and a friend to its status.

use crate::text::text_enum;

text_enum! {
    /// The status of a redemption or a reassignment. The texts are part of the interface.
    pub enum Status {
        /// The friend has a referrer now.
        Redeemed = "redeemed",
        /// The friend redeemed this invite before: nothing changes.
        AlreadyRedeemed = "already_redeemed",
        /// The code is well-formed, and no invite has it.
        UnknownCode = "unknown_code",
        /// No invite has the code, and it could not have been generated: most often it is mistyped.
        MalformedCode = "malformed_code",
        /// The invite's time is over.
        Expired = "expired",
        /// The invite was revoked, or the user who issued it is gone.
        Revoked = "revoked",
        /// As many friends as are allowed have redeemed the invite.
        Exhausted = "exhausted",
        /// The friend issued the invite.
        OwnInvite = "own_invite",
        /// The friend has another referrer in the program.
        AlreadyReferred = "already_referred",
        /// The invite was sent to somebody else.
        WrongRecipient = "wrong_recipient",
        /// The program is for new customers, and the friend has bought before or their account is too old.
        NotNew = "not_new",
        /// The friend referred the user who issued the invite, directly or through others.
        Cycle = "cycle",
        /// The program is over or has not begun.
        ProgramEnded = "program_ended",
        /// The friend has another referrer now, by decision of the owner of the program.
        Reassigned = "reassigned",
        /// The friend has no referrer in the program of the code.
        NotReferred = "not_referred",
        /// The friend has tried too many wrong codes.
        Throttled = "throttled",
        /// No user has the key. `redeem_invite` raises an error instead; an attached table may hold any key.
        UnknownFriend = "unknown_friend",
    }
}
