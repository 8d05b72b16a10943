// What makes containers, networks and volumes differ from what they were made of.
#pragma once

#include "davit/project.hpp"

#include <map>
#include <string>

namespace davit {

// Of the contents of configs and secrets that are no files. As in Compose they are no part of the
// configuration, so a change makes no new container; the user is told that it has no effect yet.
// Empty: there are none.
std::string content_hash(const Project& project, const Service& service);
std::string network_hash(const Network& network);
std::string volume_hash(const Volume& volume);

// `environment MODE "dev" → "staging", image "a" → "b"`: what differs for a service in two projects as
// render() writes them in JSON. Values that may be secrets are left out. Empty when it cannot be told.
std::string changed_attributes(const std::string& old_model, const std::string& new_model, const std::string& service);
// Whether the name of a variable says that its value is nobody's business.
bool looks_secret(const std::string& name);
// Whether a value does: the password of a URL, a key, a token, letters and digits without a word in them.
bool looks_like_a_credential(const std::string& value);

} // namespace davit
