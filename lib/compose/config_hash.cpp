#include "base/hash.hpp"
#include "compose/codec.hpp"
#include "compose/print.hpp"
#include "davit/load.hpp"

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
    compose::Tree tree;
    return sha256_hex(compose::print_json(*compose::encode_service(tree, s, true), false));
}

} // namespace davit
