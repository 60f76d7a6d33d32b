-- Prosody for a Jitsi server from its Debian packages: /etc/prosody/conf.avail/meet.example.org.cfg.lua, of which this shows
-- what concerns rooms. Names, secrets and certificates are examples. The images of deploy/compose.yaml need none of it:
-- they write the same from jitsi/common.env.
plugin_paths = { "/usr/share/jitsi-meet/prosody-plugins/", "/usr/local/share/huntzen/prosody-plugins/" }
muc_mapper_domain_base = "meet.example.org"
cross_domain_websocket = { "https://meet.example.org" }
consider_websocket_secure = true
-- No federation: nobody from another server comes in.
modules_disabled = { "s2s" }

VirtualHost "meet.example.org"
	-- A token of HuntZen Care, or nothing. JITSI_APP_ID is issuer and audience of each, JITSI_SECRET signs them.
	authentication = "token"
	app_id = "huntzen_app"
	app_secret = "the value of JITSI_SECRET"
	allow_empty_token = false
	asap_accepted_issuers = { "huntzen_app" }
	asap_accepted_audiences = { "huntzen_app" }
	asap_require_room_claim = true
	ssl = {
		key = "/etc/prosody/certs/meet.example.org.key";
		certificate = "/etc/prosody/certs/meet.example.org.crt";
	}
	modules_enabled = { "bosh", "websocket", "smacks", "ping", "external_services", "end_conference" }
	c2s_require_encryption = false
	main_muc = "conference.meet.example.org"
	-- coturn, with credentials of an hour out of the shared secret.
	external_service_secret = "the value of HUNTZEN__TURN__SECRET"
	external_services = {
		{ type = "turn", host = "turn.example.org", port = 3478, transport = "udp", secret = true, ttl = 3600, algorithm = "turn" };
		{ type = "turns", host = "turn.example.org", port = 5349, transport = "tcp", secret = true, ttl = 3600, algorithm = "turn" };
	}

-- Jicofo and the bridge sign in here.
VirtualHost "auth.meet.example.org"
	authentication = "internal_hashed"
	modules_enabled = { "limits_exception" }

Component "conference.meet.example.org" "muc"
	storage = "memory"
	-- Jicofo alone makes rooms; whoever makes one would own it.
	restrict_room_creation = true
	admins = { "focus@auth.meet.example.org" }
	muc_room_locking = false
	muc_room_default_public_jids = true
	-- Without muc_allowners, and without anything that records or passes on.
	modules_enabled = { "muc_hide_all", "muc_meeting_id", "token_verification", "huntzen_rooms", "muc_max_occupants" }
	muc_max_occupants = 4
	muc_access_whitelist = { "focus@auth.meet.example.org" }

Component "internal.auth.meet.example.org" "muc"
	storage = "memory"
	modules_enabled = { "muc_hide_all", "muc_filter_access" }
	muc_filter_whitelist = "auth.meet.example.org"
	admins = { "focus@auth.meet.example.org", "jvb@auth.meet.example.org" }
	muc_room_locking = false
	muc_room_default_public_jids = true

Component "focus.meet.example.org" "client_proxy"
	target_address = "focus@auth.meet.example.org"

Component "endconference.meet.example.org" "end_conference"
	muc_component = "conference.meet.example.org"
