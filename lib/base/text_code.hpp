// Base64 and percent codes, as PAX headers, authentication and URLs use them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace davit {

// Standard or URL alphabet, padding optional; nullopt if it is neither.
std::optional<std::string> base64_decode(std::string_view text);
std::string base64_encode(std::string_view bytes);
std::string percent_decode(std::string_view text);
std::string percent_encode(std::string_view text); // all but RFC 3986's unreserved characters

// User and password of the URLs in a text become "xxxxx", for those who read along: "https://xxxxx:xxxxx@h/r.git".
std::string hide_userinfo(std::string_view text);

} // namespace davit
