// Networks by what people call them, and the verbs of `network` that have files of their own.
#pragma once

#include "cli/app.hpp"
#include "cli/context.hpp"
#include "cli/filters.hpp"
#include "davit/container.hpp"
#include "davit/engine.hpp"

#include <functional>
#include <string>

namespace davit::cli {

// As text on the command line: an IPv4 or IPv6 address, one within a block, a block.
bool is_address(const std::string& text);
bool is_within(const std::string& address, const std::string& subnet);
bool is_subnet(const std::string& text);
// The text; Error(usage) when it is none.
const std::string& checked_address(const std::string& text);

// Swarm's ingress among them. Throws Error(not_found).
NetworkInfo found_network(Engine& engine, const std::string& name);
// until, label and label! of the filters, which must outlive it.
std::function<bool(const NetworkInfo&)> network_prune_filter(const Filters& filters);
// Removes them, with the list that docker prints.
void print_pruned_networks(Context& context, const Filters& filters);

int run_network_connect(Globals&, const Args&);
int run_network_create(Globals&, const Args&);
int run_network_disconnect(Globals&, const Args&);

} // namespace davit::cli
