# The binary, built by cargo against the interfaces of this very build, and the names by which `ros2 run` starts it.
#
# r2r reads the sourced packages, not CMake's targets, so it is shown a prefix in the build tree in front of the sourced ones; the
# place of an earlier installation is hidden from it, or a changed message would be bound as it was. cargo runs in the
# build step, because colcon's --symlink-install does not run what is added to the install step.

find_program(CARGO cargo HINTS "$ENV{CARGO_HOME}/bin" "$ENV{HOME}/.cargo/bin")
if(NOT CARGO)
  message(FATAL_ERROR "cargo was not found: https://rustup.rs brings it; Rust 1.95 or newer is needed")
endif()

# Which libraries there are decides what is built; what is not, is said.
set(features ros dds)
set(libraries "")
macro(a_library_decides feature found file variable)
  if(NOT ${found})
    set(${found} "${CMAKE_CURRENT_SOURCE_DIR}/.setup/libs/${feature_folder_${feature}}")
  endif()
  if(EXISTS "${${found}}/${file}")
    list(APPEND features ${feature})
    list(APPEND libraries "${variable}=${${found}}")
  else()
    message(WARNING "apprentice is built without `${feature}`: no ${${found}}/${file}. "
                    "`make setup` in ${CMAKE_CURRENT_SOURCE_DIR} brings it, or -D${found}=… says where it is")
  endif()
endmacro()
set(feature_folder_learn torch)
set(feature_folder_sim mujoco)
a_library_decides(learn LIBTORCH lib/libtorch_cpu.so LIBTORCH)
a_library_decides(sim MUJOCO libmujoco.so MUJOCO_DYNAMIC_LINK_DIR)

# Every package that a message of these is made of, however deep: r2r follows nothing itself.
set(bound ${spoken} ${heard})
foreach(package IN LISTS bound)
  list(APPEND bound ${${package}_RECURSIVE_DEPENDENCIES})
endforeach()
list(REMOVE_DUPLICATES bound)
# r2r looks at its environment alone when it decides whether anything changed: a name made of what the interfaces say.
set(said "")
foreach(interface IN LISTS interfaces)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${interface}")
  file(SHA256 "${CMAKE_CURRENT_SOURCE_DIR}/${interface}" hash)
  string(APPEND said ${hash})
endforeach()
string(SHA256 said "${said}")
list(JOIN bound "$<SEMICOLON>" bound)

# r2r 0.9.7 refuses a distribution whose name it does not know. Kilted has what Jazzy has; what Lyrical took away is still there.
set(distribution "$ENV{ROS_DISTRO}")
if(distribution STREQUAL "kilted")
  set(distribution "jazzy")
endif()

# The prefixes that were sourced, without the one this will be installed to.
function(sourced variable result)
  string(REPLACE ":" ";" prefixes "$ENV{${variable}}")
  list(REMOVE_ITEM prefixes "" "${CMAKE_INSTALL_PREFIX}")
  list(JOIN prefixes ":" prefixes)
  set(${result} "${prefixes}" PARENT_SCOPE)
endfunction()
sourced(AMENT_PREFIX_PATH ament_prefixes)
sourced(CMAKE_PREFIX_PATH cmake_prefixes)

set(generated ${PROJECT_NAME} ${PROJECT_NAME}__rosidl_generator_c
    ${PROJECT_NAME}__rosidl_typesupport_introspection_c ${PROJECT_NAME}__rosidl_typesupport_c)
set(includes "")
foreach(target ${PROJECT_NAME}__rosidl_generator_c ${PROJECT_NAME}__rosidl_typesupport_introspection_c)
  list(APPEND includes "$<TARGET_PROPERTY:${target},INTERFACE_INCLUDE_DIRECTORIES>")
endforeach()
string(REPLACE ";" "$<SEMICOLON>" includes "${includes}")

list(JOIN features "," features)
message(STATUS "apprentice is built with: ${features}")
set(cargo_target "${CMAKE_CURRENT_BINARY_DIR}/cargo")
add_custom_target(${PROJECT_NAME}_binary ALL
  COMMAND "${CMAKE_COMMAND}" -E env
    "ROS_DISTRO=${distribution}"
    "AMENT_PREFIX_PATH=${being_built}:${ament_prefixes}"
    "CMAKE_PREFIX_PATH=${cmake_prefixes}"
    "LD_LIBRARY_PATH=${being_built}/lib:$ENV{LD_LIBRARY_PATH}"
    "CMAKE_INCLUDE_DIRS=$<JOIN:${includes},:>"
    "IDL_PACKAGE_FILTER=${PROJECT_NAME}$<SEMICOLON>${bound}$<SEMICOLON>interfaces_${said}"
    "CARGO_TARGET_DIR=${cargo_target}" ${libraries}
    "${CARGO}" build --release --locked --no-default-features --features ${features} --bin ${PROJECT_NAME}
  WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}"
  DEPENDS ${generated}
  VERBATIM USES_TERMINAL)
add_dependencies(${PROJECT_NAME}_binary ${generated})
install(PROGRAMS "${cargo_target}/release/${PROJECT_NAME}" DESTINATION lib/${PROJECT_NAME})

# What `ros2 run apprentice NAME` starts: a subcommand by the name of its node.
function(runs name command)
  set(file "${CMAKE_CURRENT_BINARY_DIR}/run/${name}")
  file(WRITE "${file}" "#!/bin/sh\nexec \"$(dirname \"$0\")/${PROJECT_NAME}\" ${command} \"$@\"\n")
  # With --symlink-install this very file is started.
  file(CHMOD "${file}" PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
  install(PROGRAMS "${file}" DESTINATION lib/${PROJECT_NAME})
endfunction()
runs(recorder record)
runs(teleop teleop)
runs(gate gate)
if(features MATCHES "learn")
  runs(policy run)
  runs(trainer train)
endif()
if(features MATCHES "sim")
  runs(simulator sim)
endif()
