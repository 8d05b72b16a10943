// The table of verbs. A verb is one file in this directory with one function declared here.
#pragma once

#include "cli/app.hpp"

#include <span>
#include <string>
#include <string_view>

namespace davit::cli {

std::span<const Verb> verbs();

// What helps whoever types a command of docker or docker compose that davit lacks; empty: it is nobody's.
// of: "davit", "davit image" …
std::string advice_for(std::string_view of, std::string_view name);

int run_attach(Globals&, const Args&);
int run_build(Globals&, const Args&);
int run_builder(Globals&, const Args&);
int run_buildx(Globals&, const Args&);
int run_commit(Globals&, const Args&);
int run_complete(Globals&, const Args&);
int run_completion(Globals&, const Args&);
int run_config(Globals&, const Args&);
int run_container(Globals&, const Args&);
int run_context(Globals&, const Args&);
int run_cp(Globals&, const Args&);
int run_create(Globals&, const Args&);
int run_deploy(Globals&, const Args&);
int run_diff(Globals&, const Args&);
int run_docker(Globals&, const Args&);
int run_down(Globals&, const Args&);
int run_ecs(Globals&, const Args&);
int run_events(Globals&, const Args&);
int run_exec(Globals&, const Args&);
int run_export(Globals&, const Args&);
int run_history(Globals&, const Args&);
int run_image(Globals&, const Args&);
int run_images(Globals&, const Args&);
int run_info(Globals&, const Args&);
int run_inspect(Globals&, const Args&);
int run_kill(Globals&, const Args&);
int run_login(Globals&, const Args&);
int run_logout(Globals&, const Args&);
int run_logs(Globals&, const Args&);
int run_ls(Globals&, const Args&);
int run_manual(Globals&, const Args&);
int run_unit(Globals&, const Args&);
int run_manifest(Globals&, const Args&);
int run_network(Globals&, const Args&);
int run_node(Globals&, const Args&);
int run_pause(Globals&, const Args&);
int run_plan(Globals&, const Args&);
int run_plugin(Globals&, const Args&);
int run_port(Globals&, const Args&);
int run_ps(Globals&, const Args&);
int run_publish(Globals&, const Args&);
int run_pull(Globals&, const Args&);
int run_push(Globals&, const Args&);
int run_restart(Globals&, const Args&);
int run_rm(Globals&, const Args&);
int run_rollback(Globals&, const Args&);
int run_run(Globals&, const Args&);
int run_scale(Globals&, const Args&);
int run_search(Globals&, const Args&);
int run_secret(Globals&, const Args&);
int run_service(Globals&, const Args&);
int run_stack(Globals&, const Args&);
int run_start(Globals&, const Args&);
int run_stats(Globals&, const Args&);
int run_stop(Globals&, const Args&);
int run_swarm(Globals&, const Args&);
int run_system(Globals&, const Args&);
int run_top(Globals&, const Args&);
int run_unpause(Globals&, const Args&);
int run_up(Globals&, const Args&);
int run_version(Globals&, const Args&);
int run_volume(Globals&, const Args&);
int run_volumes(Globals&, const Args&);
int run_wait(Globals&, const Args&);
int run_watch(Globals&, const Args&);

} // namespace davit::cli
