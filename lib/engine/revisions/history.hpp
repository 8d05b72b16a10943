// What the parts of the history share.
#pragma once

#include "project/revision_store.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace davit {

inline std::string short_id(const std::string& id) { // as docker prints it
    const auto colon = id.find(':');
    return id.substr(colon == std::string::npos ? 0 : colon + 1, 12);
}

// Models of two revisions: versions of davit write the same one in several ways.
bool same_model(const std::string& a, const std::string& b);
std::set<std::string> services_of(const Revision& revision); // of its model
// Keyed; empty: there is none, it is no file, or too big to be looked at at each `up`. size: its bytes.
std::string hash_of_file(const RevisionStore& store, const std::string& path, std::uint64_t* size = nullptr);
// Image id → "revision 3 of project shop", of kept revisions. up: only of projects that have containers.
std::multimap<std::string, std::string> images_of_revisions(const Roots& roots, bool up = false);

// Throws not_found with all that is missing.
[[noreturn]] void cannot_go_back(const std::string& what, const std::vector<MissingPart>& missing);
void add_missing_image(const std::string& reference, const std::string& id, const std::string& digest,
                       std::vector<MissingPart>& out);

} // namespace davit
