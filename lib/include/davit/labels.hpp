// The labels that Docker's own tools give to containers, networks, volumes and services, and that davit gives as they
// do (Compose v5, Engine 29): other programs look for these. Spelt here and nowhere else. Plain text, no state.
#pragma once

namespace davit::label {

// What compose gives.
inline constexpr const char* of_compose = "com.docker.compose."; // what each begins with
inline constexpr const char* project = "com.docker.compose.project";
inline constexpr const char* service = "com.docker.compose.service";
inline constexpr const char* number = "com.docker.compose.container-number";
inline constexpr const char* oneoff = "com.docker.compose.oneoff"; // "True" for `run`
inline constexpr const char* config_hash = "com.docker.compose.config-hash";
inline constexpr const char* image = "com.docker.compose.image";
inline constexpr const char* image_volumes = "com.docker.compose.image-volume-digest"; // "/data=sha256:…,…"
inline constexpr const char* depends_on = "com.docker.compose.depends_on"; // "db:service_healthy:false,cache:…"
inline constexpr const char* working_dir = "com.docker.compose.project.working_dir";
inline constexpr const char* config_files = "com.docker.compose.project.config_files";
inline constexpr const char* environment_file = "com.docker.compose.project.environment_file";
inline constexpr const char* version = "com.docker.compose.version";
inline constexpr const char* compose_version = "5.5.0"; // the value of `version`: whose labels these are
inline constexpr const char* network = "com.docker.compose.network";
inline constexpr const char* volume = "com.docker.compose.volume";
inline constexpr const char* hook = "com.docker.compose.hook"; // pre_start containers
inline constexpr const char* slug = "com.docker.compose.slug";
inline constexpr const char* replace = "com.docker.compose.replace";

// What the engine gives to volumes that nobody named.
inline constexpr const char* anonymous = "com.docker.volume.anonymous";

// What `stack deploy` gives.
inline constexpr const char* stack = "com.docker.stack.namespace";
inline constexpr const char* stack_image = "com.docker.stack.image"; // as it was written, before it was pinned

// What a task's container has.
inline constexpr const char* of_swarm = "com.docker.swarm."; // what each begins with
inline constexpr const char* swarm_node_id = "com.docker.swarm.node.id";
inline constexpr const char* swarm_service_id = "com.docker.swarm.service.id";
inline constexpr const char* swarm_service_name = "com.docker.swarm.service.name";
inline constexpr const char* swarm_task = "com.docker.swarm.task";
inline constexpr const char* swarm_task_id = "com.docker.swarm.task.id";
inline constexpr const char* swarm_task_name = "com.docker.swarm.task.name";

} // namespace davit::label
