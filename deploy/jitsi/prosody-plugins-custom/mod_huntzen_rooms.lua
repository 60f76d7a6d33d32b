-- Makes a room of Jitsi what its tokens say: who enters it, who moderates it, and when it ends.
--
-- Loaded on the conference component, beside Jitsi's own `token_verification`, which has checked the signature, the
-- issuer, the audience and the time of a token when its session began. A token of HuntZen Care names one room, and
-- says `context.user.affiliation`: `owner` for the practitioner, `member` for the employee.
local jid_bare = require "util.jid".bare;
local jid_node = require "util.jid".node;
local base64 = require "util.encodings".base64;
local json = require "util.json";
local st = require "util.stanza";

-- The server's own participants (Jicofo) are its administrators, as Jitsi's library finds them.
local is_service = module:require "util".is_admin;

-- The claims of a token whose signature was checked when the session began; nil when there are none.
local function claims_of(session)
	local encoded = (session.auth_token or ""):match("^[^.]+%.([^.]+)%.");
	if not encoded then return nil; end
	local plain = encoded:gsub("-", "+"):gsub("_", "/");
	plain = plain .. ("="):rep(-#plain % 4);
	local bytes = base64.decode(plain);
	local claims = bytes and json.decode(bytes);
	return type(claims) == "table" and claims or nil;
end

-- Whether the token says that its owner is the practitioner: both words, so that none alone is enough.
local function is_practitioner(session)
	local user = session.jitsi_meet_context_user;
	return type(user) == "table" and user.affiliation == "owner" and tostring(user.moderator) == "true";
end

-- Nobody enters without a token for this very room: no wildcard, no pattern, no room left out.
module:hook("muc-occupant-pre-join", function (event)
	local session, stanza, room = event.origin, event.stanza, event.room;
	if is_service(stanza.attr.from) then return; end
	local named = session.auth_token and session.jitsi_meet_room;
	if type(named) == "string" and named ~= "" and named == jid_node(room.jid) then return; end
	module:log("info", "refused: the token is for another room, or there is none");
	session.send(st.error_reply(stanza, "cancel", "not-allowed", "A token for this room is needed"));
	return true;
end, 98);

-- The practitioner owns the room; everybody else is a member, whoever came first.
module:hook("muc-occupant-joined", function (event)
	local session, room, occupant = event.origin, event.room, event.occupant;
	if is_service(occupant.bare_jid) then return; end
	room.huntzen_practitioners = room.huntzen_practitioners or {};
	local practitioner = is_practitioner(session);
	room.huntzen_practitioners[occupant.bare_jid] = practitioner or nil;
	room:set_affiliation(true, occupant.bare_jid, practitioner and "owner" or "member");

	-- The room ends with its window: tokens are checked when they are shown, and a call could go on for ever.
	local claims = claims_of(session);
	local ends_at = claims and tonumber(claims.exp);
	if ends_at and not room.huntzen_ends_at then
		room.huntzen_ends_at = ends_at;
		module:add_timer(math.max(1, ends_at - os.time()), function ()
			if not room.huntzen_destroyed then
				room:destroy(nil, "The time of this room is over");
			end
		end);
	end
end, 10);

module:hook("muc-room-destroyed", function (event)
	event.room.huntzen_destroyed = true;
end);

-- Nobody is made an owner, an administrator or a moderator who is not the practitioner, whoever asks: another
-- participant, or the service.
local function may_lead(room, jid)
	return is_service(jid) or (room.huntzen_practitioners ~= nil and room.huntzen_practitioners[jid_bare(jid)] == true);
end

module:hook("muc-pre-set-affiliation", function (event)
	if (event.affiliation == "owner" or event.affiliation == "admin") and not may_lead(event.room, event.jid) then
		event.allowed = false;
	end
end);

module:hook("muc-pre-set-role", function (event)
	if event.role == "moderator" and not may_lead(event.room, event.occupant.bare_jid) then
		event.allowed, event.error, event.condition = false, "cancel", "not-allowed";
	end
end);
