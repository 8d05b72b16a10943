#include "base/hash.hpp"
#include "compose/codec.hpp"
#include "davit/load.hpp"
#include "yaml/print.hpp"

namespace davit {

std::string config_hash(const Service& service) {
    Service s = service;
    s.build.reset();
    s.pull_policy.clear();
    s.scale.reset();
    if (s.deploy) s.deploy->replicas.reset();
    s.depends_on.clear();
    s.profiles.clear();
    s.label_file.clear(); // the labels count, not where they come from
    yaml::Tree tree;
    return sha256_hex(yaml::print_json_for_hash(*compose::encode_service(tree, s, true)));
}

} // namespace davit
