#include "engine/machine/machine.hpp"

#include "base/sys.hpp"

#include <array>
#include <cstdlib>
#include <string_view>

namespace davit::machine {

namespace {

constexpr std::array<std::string_view, 64> adjectives{
    "able",   "amber",  "ample",  "azure", "bold",   "brave",  "brief",   "bright", "brisk", "calm",  "candid",
    "clear",  "clever", "cosy",   "crisp", "deft",   "eager",  "early",   "exact",  "fair",  "fine",  "firm",
    "fleet",  "fond",   "frank",  "free",  "fresh",  "gentle", "glad",    "golden", "grand", "green", "handy",
    "happy",  "hardy",  "honest", "jolly", "keen",   "kind",   "lively",  "loyal",  "lucid", "lucky", "mellow",
    "merry",  "mild",   "modest", "neat",  "nimble", "noble",  "patient", "plain",  "proud", "quick", "quiet",
    "silver", "sober",  "steady", "sunny", "swift",  "tidy",   "vivid",   "warm",   "witty"};

constexpr std::array<std::string_view, 64> nouns{
    "alder",  "aspen",  "badger",  "beech",  "birch",   "bison",   "brook",  "cedar",  "cliff",  "clover", "comet",
    "coral",  "crane",  "delta",   "dune",   "eagle",   "elm",     "ermine", "falcon", "fern",   "finch",  "fjord",
    "forest", "fox",    "garnet",  "geyser", "glacier", "grove",   "harbor", "hawk",   "hazel",  "heron",  "island",
    "jasper", "lagoon", "lark",    "linden", "lotus",   "lynx",    "maple",  "marten", "meadow", "meteor", "moss",
    "oak",    "opal",   "orchid",  "osprey", "otter",   "pebble",  "pine",   "plover", "quartz", "raven",  "reef",
    "river",  "robin",  "sparrow", "spruce", "tern",    "thicket", "valley", "willow", "wren"};

} // namespace

std::string made_up_name(unsigned attempt) {
    constexpr unsigned without_number = 3;
    const unsigned long draw = std::strtoul(sys::random_hex(6).c_str(), nullptr, 16);
    std::string name(adjectives[draw % adjectives.size()]);
    name += '_';
    name += nouns[(draw / adjectives.size()) % nouns.size()];
    if (attempt >= without_number) name += std::to_string(draw % 10'000);
    return name;
}

} // namespace davit::machine
